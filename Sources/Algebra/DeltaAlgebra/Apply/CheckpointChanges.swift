import Adapters
import Checkpoints
import Diagnostics
import JSON
import Tensors

/// What the entries of a checkpoint's delta make of the base's list of tensors: `Spec/deltas.md`.
struct CheckpointChanges {
    private let watch: BaseWatch
    private let targets: BaseTargets
    /// By the bytes of their targets: two spellings of one character are two tensors.
    private var entries: [ExactKey: [AdapterEntry]] = [:]

    init(_ watch: BaseWatch, _ targets: BaseTargets) {
        self.watch = watch
        self.targets = targets
    }

    mutating func add(_ entry: AdapterEntry) throws(Failure) {
        entries[ExactKey(entry.key.target), default: []].append(entry)
    }

    /// All tensors of the result, by name.
    ///
    /// - Parameter updates: What adapters change of the base's tensors, which comes before entries of this kind.
    func result(
        updates: [ExactKey: [PlannedUpdate]], dtype: DType?, tally: RoundingTally
    ) throws(Failure) -> [ResultTensor] {
        var results: [ResultTensor] = []
        for (number, tensor) in watch.base.tensors.enumerated() {
            let own = entries[ExactKey(tensor.name)] ?? []
            if own.contains(where: { $0.key.kind == .removed }) { continue }
            if own.contains(where: { $0.key.kind == .full || $0.key.kind == .alias }) { continue }
            results.append(
                try changed(
                    number, tensor, updates: updates[tensor.name] ?? [], entries: own, dtype: dtype,
                    tally: tally))
        }
        for (name, own) in entries {
            guard let entry = own.first(where: { $0.key.kind == .full }) else { continue }
            results.append(
                ResultTensor(name: name.string, source: Self.converted(try Self.value(of: entry), to: dtype)))
        }
        results += try aliases(of: results)
        for (name, own) in entries where watch.base[name.string] == nil {
            guard own.allSatisfy({ $0.key.kind == .full || $0.key.kind == .alias }) else {
                throw Failure(
                    .baseIncompatible, "the base has no tensor that the delta changes", object: name.string,
                    path: watch.base.path)
            }
        }
        return results.sorted { $0.name.precedesInBytes($1.name) }
    }

    private func changed(
        _ number: Int, _ tensor: CheckpointTensor, updates: [PlannedUpdate], entries: [AdapterEntry], dtype: DType?,
        tally: RoundingTally
    ) throws(Failure) -> ResultTensor {
        let name = tensor.name
        let isFloat = FloatElements.canHold(tensor.dtype)
        let wanted = isFloat ? dtype ?? tensor.dtype : tensor.dtype
        if !updates.isEmpty {
            guard isFloat else {
                throw Failure(
                    .baseIncompatible, "nothing can be added to a tensor of \(tensor.dtype.name)", object: name,
                    path: watch.base.path)
            }
            let updated = try UpdatedTensor(
                .init(watch: watch, number: number), updates: updates, dtype: wanted, tally: tally)
            return ResultTensor(name: name, source: try Self.apply(entries, to: updated, name))
        }
        let base = WatchedBaseTensor(watch: watch, number: number)
        if entries.isEmpty {
            return wanted == tensor.dtype
                ? ResultTensor(name: name, source: base, copyOf: number)
                : ResultTensor(name: name, source: ConvertedTensor(base, to: wanted))
        }
        return ResultTensor(name: name, source: Self.converted(try Self.apply(entries, to: base, name), to: dtype))
    }

    /// The differences and the rows beyond the base's, in this order.
    private static func apply(
        _ entries: [AdapterEntry], to base: any TensorSource, _ name: String
    ) throws(Failure) -> any TensorSource {
        var source = base
        do throws(Failure) {
            for entry in entries where entry.key.kind != .extend { source = try difference(entry, on: source) }
            for entry in entries where entry.key.kind == .extend {
                guard let rows = entry[.value] else { continue }
                source = try ExtendedTensor(source, rows: rows)
            }
        } catch {
            throw error.on(name)
        }
        return source
    }

    private static func difference(
        _ entry: AdapterEntry, on base: any TensorSource
    ) throws(Failure) -> any TensorSource {
        guard let value = entry[.value] else { return base }
        if entry.key.kind == .exact { return try ExactTensor(base: base, difference: value) }
        guard let gaps = entry[.indices], let counts = entry[.counts],
            let mode = FewChangesMode(rawValue: entry.parameters["mode"]?.string ?? FewChangesMode.difference.rawValue)
        else {
            throw Failure(
                .badParameter, "the entry does not say how its few changes lie", object: entry.key.description)
        }
        return try FewChangesTensor(base: base, gaps: gaps, values: value, counts: counts, mode: mode)
    }

    /// The tensor of an entry of kind `full`, which may be one without elements.
    private static func value(of entry: AdapterEntry) throws(Failure) -> any TensorSource {
        if let value = entry[.value] { return value }
        guard let empty = entry.parameters.emptyTensors?.first(where: { $0.role == .value }) else {
            throw Failure(.badParameter, "the entry has no tensor", object: entry.key.description)
        }
        return try TensorBuffer(dtype: empty.dtype, shape: empty.shape, bytes: [])
    }

    private static func converted(_ source: any TensorSource, to dtype: DType?) -> any TensorSource {
        guard let dtype, FloatElements.canHold(source.dtype), source.dtype != dtype else { return source }
        return ConvertedTensor(source, to: dtype)
    }

    private func aliases(of results: [ResultTensor]) throws(Failure) -> [ResultTensor] {
        var aliases: [ResultTensor] = []
        var numbers: [ExactKey: Int] = [:]
        for (number, tensor) in results.enumerated() { numbers[ExactKey(tensor.name)] = number }
        for (name, own) in entries {
            guard let entry = own.first(where: { $0.key.kind == .alias }) else { continue }
            let other = entry.parameters["of"]?.string ?? ""
            guard let tensor = numbers[ExactKey(other)].map({ results[$0] }) else {
                throw Failure(
                    .baseIncompatible, "the tensor is to be another's, which is not there", object: name.string,
                    actual: other)
            }
            aliases.append(ResultTensor(name: name.string, source: tensor.source))
        }
        return aliases
    }
}

/// A tensor with rows after its last one.
struct ExtendedTensor: TensorSource {
    private let first: any TensorSource
    private let rows: any TensorSource
    let shape: Shape

    init(_ first: any TensorSource, rows: any TensorSource) throws(Failure) {
        let own = first.shape.dimensions
        let added = rows.shape.dimensions
        guard first.dtype == rows.dtype, let count = own.first, let more = added.first,
            own.dropFirst().elementsEqual(added.dropFirst())
        else {
            throw Failure(
                .baseIncompatible, "the rows to be added are not like the base's", expected: "\(first.shape)",
                actual: "\(rows.shape)")
        }
        self.first = first
        self.rows = rows
        shape = Shape([count + more] + own.dropFirst())
    }

    var dtype: DType { first.dtype }
    var byteCount: Int { first.byteCount + rows.byteCount }
    var blockByteCount: Int { first.blockByteCount }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let split = min(max(0, first.byteCount - offset), target.byteCount)
        if split > 0 {
            var part = target._mutatingExtracting(first: split)
            try first.read(at: offset, into: &part)
        }
        guard split < target.byteCount else { return }
        var part = target._mutatingExtracting(droppingFirst: split)
        try rows.read(at: max(0, offset - first.byteCount), into: &part)
    }
}
