import Adapters
package import Diagnostics
import Digests
import Tensors

extension Index {
    /// Checks what one table says about another: references, order, kinds and shapes. Linear in the index's size.
    package func validate() throws(Failure) {
        try validateStrings()
        try validateParameters()
        try validateBases()
        try validateEntries()
        try validateMetadata()
    }

    private func validateStrings() throws(Failure) {
        var isReferenced = [Bool](repeating: false, count: strings.count)
        func refer(_ id: UInt32, orEmpty: Bool = false) throws(Failure) {
            if id == Self.noString && orEmpty { return }
            guard Int(id) < strings.count else {
                throw Failure(.badStringReference, "the index refers to a string it does not have", actual: "\(id)")
            }
            isReferenced[Int(id)] = true
        }
        try refer(method)
        for entry in entries {
            try refer(entry.target, orEmpty: entry.kind.mayHaveEmptyTarget)
            if entry.target != Self.noString { try Self.checkName(strings[Int(entry.target)]) }
        }
        for pair in metadata {
            try refer(pair.key)
            try refer(pair.value, orEmpty: true)
            try Self.checkName(strings[Int(pair.key)])
        }
        try Self.checkName(strings[Int(method)])
        if let unused = isReferenced.firstIndex(of: false) {
            throw Failure(.notCanonical, "a string is never referred to", object: strings[unused])
        }
    }

    /// A name is 1 to 1,024 bytes without control characters.
    static func checkName(_ name: String) throws(Failure) {
        guard (1...Limits.nameBytes).contains(name.utf8.count) else {
            throw Failure(
                .badName, "a name has a length out of range", object: String(name.prefix(64)),
                expected: "1 to \(Limits.nameBytes) bytes", actual: "\(name.utf8.count)")
        }
        guard !name.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
            throw Failure(.badName, "a name holds control characters", object: name)
        }
    }

    private func validateParameters() throws(Failure) {
        var isReferenced = [Bool](repeating: false, count: parameters.count)
        for id in entries.map(\.parameters) + [record] {
            guard Int(id) < parameters.count else {
                throw Failure(.badParameter, "the index refers to parameters it does not have", actual: "\(id)")
            }
            isReferenced[Int(id)] = true
        }
        guard !isReferenced.contains(false) else {
            throw Failure(.notCanonical, "a parameter set is never referred to")
        }
    }

    /// Sorted by root, each once and each chosen by an entry; where no entry chooses, there may be one, that of all.
    private func validateBases() throws(Failure) {
        for (previous, base) in zip(bases, bases.dropFirst()) {
            guard previous.root.bytes.lexicographicallyPrecedes(base.root.bytes) else {
                throw Failure(
                    previous.root == base.root ? .duplicate : .notCanonical,
                    "the bases are not sorted by root, each once", object: "\(base.root)")
            }
        }
        var isChosen = [Bool](repeating: false, count: bases.count)
        for entry in entries where Int(entry.base) < bases.count { isChosen[Int(entry.base)] = true }
        guard let unused = isChosen.firstIndex(of: false) else { return }
        guard bases.count == 1 else {
            throw Failure(.notCanonical, "a base is never referred to", object: "\(bases[unused].root)")
        }
    }

    private func validateEntries() throws(Failure) {
        var tensor = 0
        var leaf = 0
        var previous: EntryKey?
        for (number, entry) in entries.enumerated() {
            let key = EntryKey(string(entry.target), entry.kind, ordinal: entry.ordinal)
            if let previous, !(previous < key) {
                throw Failure(
                    previous < key || key < previous ? .notCanonical : .duplicate,
                    "the entries are not sorted, or one stands twice", object: key.description)
            }
            previous = key
            guard entry.base == Self.noBase ? entry.flags.isEmpty : Int(entry.base) < bases.count else {
                throw Failure(.indexInconsistent, "an entry refers to no base", object: key.description)
            }
            leaf += entry.flags.rawValue.nonzeroBitCount
            guard Int(entry.tensorCount) <= tensors.count - tensor else {
                throw Failure(
                    .indexInconsistent, "the entries have more tensors than the index", object: key.description)
            }
            let own = tensors[tensor..<tensor + Int(entry.tensorCount)]
            tensor += Int(entry.tensorCount)
            do throws(Failure) {
                try Self.validate(own, kind: entry.kind, parameters: parameters[Int(entry.parameters)])
            } catch {
                throw error.on("entry \(number), \(key)")
            }
        }
        guard tensor == tensors.count, leaf == leaves.count else {
            throw Failure(.indexInconsistent, "the entries do not use every tensor and leaf of the index")
        }
        guard !leaves.contains(where: \.isZero) else {
            throw Failure(.notCanonical, "a leaf digest is zero")
        }
    }

    private static func validate(_ tensors: ArraySlice<TensorRecord>, kind: Kind, parameters: Parameters)
        throws(Failure)
    {
        var previous: Role?
        var descriptions: [TensorDescription] = []
        for tensor in tensors {
            if let previous, previous.rawValue >= tensor.role.rawValue {
                throw Failure(
                    previous == tensor.role ? .duplicate : .notCanonical,
                    "the tensors are not sorted by role, each once",
                    actual: tensor.role.word)
            }
            previous = tensor.role
            guard tensor.role.isKnown || !kind.isKnown else {
                throw Failure(.unknownEnum, "a tensor has a role unknown here", actual: "\(tensor.role.rawValue)")
            }
            guard tensor.dtype != .nf4 || (tensor.shape.dimensions.last ?? 1) % 2 == 0 else {
                throw Failure(.badBlock, "rows of NF4 must have an even length", actual: "\(tensor.shape)")
            }
            descriptions.append(TensorDescription(role: tensor.role, dtype: tensor.dtype, shape: tensor.shape))
        }
        try kind.validate(descriptions, parameters: parameters)
    }

    private func validateMetadata() throws(Failure) {
        var total = 0
        for (number, pair) in metadata.enumerated() {
            if number > 0, metadata[number - 1].key >= pair.key {
                throw Failure(
                    metadata[number - 1].key == pair.key ? .duplicate : .notCanonical,
                    "the metadata keys are not sorted, each once", object: string(pair.key))
            }
            total += string(pair.key).utf8.count + string(pair.value).utf8.count
        }
        guard total <= Limits.metadataBytes else {
            throw Failure(
                .limit, "the metadata are larger than allowed", expected: "at most \(Limits.metadataBytes) bytes",
                actual: "\(total)")
        }
    }
}
