package import Adapters
package import Diagnostics
package import Parallelism
import JSON
import Synchronization
import Tensors

/// Compares what two adapters hold for each target.
///
/// A product of factors is compared as the change that it is, by the inner products of its factors; every other tensor
/// of numbers, DoRA's magnitudes among them, as a vector of its own. `Spec/diff.md` says which figures come of it. Each
/// factor is read once. Memory: the factors of one target a lane, and small matrices of twice their rank.
package struct AdapterDiff: Sendable {
    package let lanes: Lanes
    package let memory: MemoryBudget
    package let takesSpectra: Bool

    package init(lanes: Lanes, memory: MemoryBudget = .standard, takesSpectra: Bool = false) {
        self.lanes = lanes
        self.memory = memory
        self.takesSpectra = takesSpectra
    }

    /// - Parameters:
    ///   - base: With its factors dequantized.
    ///   - other: Likewise.
    ///
    /// Throws ``Failure/Code/badParameter`` for a scale that is no number, ``Failure/Code/outOfMemory`` for ranks whose
    /// inner products do not fit, and what reading throws.
    package func run(_ base: Adapter, _ other: Adapter) throws(Failure) -> DiffReport {
        let (one, two) = (try AdapterParts(base), try AdapterParts(other))
        var tensors: [TensorDiff] = []
        var products: [ProductPair] = []
        var vectors: [(name: String, base: any TensorSource, other: any TensorSource)] = []
        for part in one.parts {
            guard let partner = two[part.name] else {
                if case .product(let x) = part.content {
                    products.append(ProductPair(name: part.name, base: x, other: nil))
                } else {
                    tensors.append(TensorDiff(name: part.name, status: .removed, before: part.form, after: nil))
                }
                continue
            }
            switch (part.content, partner.content) {
            case (.product(let x), .product(let y)) where x.rows == y.rows && x.columns == y.columns:
                products.append(ProductPair(name: part.name, base: x, other: y))
            case (.tensor(let x), .tensor(let y)) where x.shape == y.shape: vectors.append((part.name, x, y))
            default:
                tensors.append(
                    TensorDiff(name: part.name, status: .reshaped, before: part.form, after: partner.form))
            }
        }
        for part in two.parts where one[part.name] == nil {
            if case .product(let y) = part.content {
                products.append(ProductPair(name: part.name, base: nil, other: y))
            } else {
                tensors.append(TensorDiff(name: part.name, status: .added, before: nil, after: part.form))
            }
        }
        var total = DiffSums()
        for (diff, sums) in try compare(products) {
            tensors.append(diff)
            if sums.isFinite { total += sums }
        }
        for (diff, sums) in try compare(vectors) {
            tensors.append(diff)
            if let sums { total += sums }
        }
        tensors.sort { $0.name.precedesInBytes($1.name) }
        return DiffReport(
            subject: .adapters, tensors: tensors, total: total.figures, parameters: Self.parameters(base, other))
    }

    /// What both do to one target; nil for an adapter that has no such module and so changes nothing there.
    private struct ProductPair: Sendable {
        let name: String
        let base: FactoredChange?
        let other: FactoredChange?

        /// What comparing them holds, in bytes: the factors twice, and the matrices of their inner products.
        var memory: Int {
            let (rank, size) = [base, other].reduce((0, 0)) { sum, change in
                (max(sum.0, change?.rank ?? 0), max(sum.1, (change?.rows ?? 0) + (change?.columns ?? 0)))
            }
            return 16 * rank * size + 12 * (2 * rank) * (2 * rank) * 8
        }
    }

    private func compare(_ products: [ProductPair]) throws(Failure) -> [(TensorDiff, DiffSums)] {
        let largest = products.max { $0.memory < $1.memory }
        let most = largest?.memory ?? 0
        guard most <= memory.bytes else {
            throw Failure(
                .outOfMemory, "the inner products of factors of such a rank do not fit the memory",
                object: largest?.name, expected: "at most \(memory.bytes) bytes", actual: "\(most) bytes",
                hint: "--memory \((most + (1 << 20) - 1) >> 20)M")
        }
        let found = Mutex<[(TensorDiff, DiffSums)]>([])
        let lanes = Lanes(count: memory.lanes(wanted: lanes.count, perLane: most))
        try lanes.forEachInOrder(products.count) { _, index throws(Failure) in
            do throws(Failure) {
                return try compare(products[index])
            } catch {
                throw error.on(products[index].name)
            }
        } consume: { _, one throws(Failure) in
            found.withLock { $0.append(one) }
        }
        return found.withLock { $0 }
    }

    private func compare(_ pair: ProductPair) throws(Failure) -> (TensorDiff, DiffSums) {
        let form = (pair.base ?? pair.other)?.form
        let nothing = (
            left: Matrix(rows: form?.shape.dimensions[0] ?? 0, columns: 0, []),
            right: Matrix(rows: 0, columns: form?.shape.dimensions[1] ?? 0, [])
        )
        let grams = FactorGrams(try pair.base?.factors() ?? nothing, try pair.other?.factors() ?? nothing)
        let sums = grams.sums
        let isFinite = sums.isFinite
        let status: TensorDiff.Status
        switch (pair.base, pair.other) {
        case (let base?, let other?):
            var isSame = sums.changePower == 0 || !isFinite
            if isSame { isSame = try base.isSame(as: other) }
            status = isSame ? .equal : base.dtype == other.dtype ? .changed : .dtype
        case (nil, _): status = .added
        case (_, nil): status = .removed
        }
        let diff = TensorDiff(
            name: pair.name, status: status, before: pair.base?.form, after: pair.other?.form,
            figures: isFinite ? sums.figures : nil, spectrum: takesSpectra && isFinite ? grams.changeSpectrum : nil)
        return (diff, sums)
    }

    private func compare(
        _ vectors: [(name: String, base: any TensorSource, other: any TensorSource)]
    ) throws(Failure) -> [(TensorDiff, DiffSums?)] {
        let measured = vectors.map { FloatPair.canHold($0.base, $0.other) }
        let works = zip(vectors, measured).map { pair, isMeasured -> any ComparedElements in
            isMeasured ? FloatPair(pair.base, pair.other) : PlainPair(base: pair.base, other: pair.other)
        }
        let comparable = works.indices.filter { measured[$0] || vectors[$0].base.dtype == vectors[$0].other.dtype }
        var found: [Int: ElementScan.Found] = [:]
        for (index, one) in zip(comparable, try ElementScan(lanes: lanes).run(comparable.map { works[$0] })) {
            found[index] = one
        }
        return vectors.indices.map { index in
            let (name, base, other) = vectors[index]
            let one = found[index]
            let status: TensorDiff.Status =
                base.dtype != other.dtype ? .dtype : one?.isEqual == true ? .equal : .changed
            let sums = measured[index] ? one?.sums : nil
            let diff = TensorDiff(
                name: name, status: status, before: TensorDiff.Form(base), after: TensorDiff.Form(other),
                figures: sums?.figures)
            return (diff, sums)
        }
    }

    /// The keys whose values differ, in the order of their bytes; `method` among them.
    private static func parameters(_ base: Adapter, _ other: Adapter) -> [String] {
        var keys: [String] = base.method == other.method ? [] : ["method"]
        for member in base.parameters.members where other.parameters[member.key] != member.value {
            keys.append(member.key)
        }
        for member in other.parameters.members where base.parameters[member.key] == nil { keys.append(member.key) }
        return keys.sorted { $0.precedesInBytes($1) }
    }
}

/// What an adapter holds, by names that two adapters for one model share.
struct AdapterParts {
    struct Part {
        let name: String
        let content: Content

        var form: TensorDiff.Form {
            switch content {
            case .product(let change): change.form
            case .tensor(let source): TensorDiff.Form(source)
            }
        }
    }

    enum Content {
        /// A change of a weight, of the target's name.
        case product(FactoredChange)
        /// A tensor, named after its entry and role.
        case tensor(any TensorSource)
    }

    private(set) var parts: [Part] = []
    private var numbers: [ExactKey: Int] = [:]

    /// Files are left out: they say nothing that parameters and tensors do not.
    init(_ adapter: Adapter) throws(Failure) {
        for entry in adapter.entries where entry.key.kind != .file {
            let product = try FactoredChange(adapter, entry)
            if let product { add(Part(name: Self.name(entry.key), content: .product(product))) }
            for tensor in entry.tensors where product == nil || !FactoredChange.roles.contains(tensor.role) {
                let role = tensor.role == .value ? "" : " \(tensor.role.word)"
                add(Part(name: "\(entry.key)\(role)", content: .tensor(tensor.source)))
            }
        }
    }

    private mutating func add(_ part: Part) {
        numbers[ExactKey(part.name)] = parts.count
        parts.append(part)
    }

    private static func name(_ key: EntryKey) -> String {
        key.ordinal == 0 ? key.target : "\(key.target) #\(key.ordinal)"
    }

    subscript(name: String) -> Part? { numbers[ExactKey(name)].map { parts[$0] } }
}
