import Adapters
import Diagnostics
import Digests
import Tensors

/// What a container will hold, checked and in its order, before the first byte is written.
struct ContainerPlan {
    /// Complete but for filters, digests and planes.
    var index: Index
    let sources: [any TensorSource]

    /// Throws what a reader would throw at the result: names, duplicates, shapes, kinds.
    init(_ adapter: Adapter) throws(Failure) {
        let entries = adapter.entries.sorted { $0.key < $1.key }
        var strings = StringNumbers()
        strings.insert(adapter.method)
        for entry in entries { strings.insert(entry.key.target) }
        for (key, value) in adapter.metadata {
            strings.insert(key)
            strings.insert(value)
        }
        let parameters = ParameterTable([adapter.parameters] + entries.map(\.parameters))

        try strings.check()
        try parameters.check()

        let bases = BaseTable(adapter.bases)
        var index = Index()
        index.bases = bases.records
        var sources: [any TensorSource] = []
        index.strings = strings.sorted
        index.parameters = parameters.sorted
        index.method = strings.id(adapter.method)
        index.record = parameters.id(adapter.parameters)
        for entry in entries {
            guard let tensorCount = UInt16(exactly: entry.tensors.count) else {
                throw Failure(.limit, "an entry has more than 65,535 tensors", object: entry.key.description)
            }
            var record = EntryRecord(
                target: strings.id(entry.key.target), kind: entry.key.kind, ordinal: entry.key.ordinal,
                tensorCount: tensorCount, parameters: parameters.id(entry.parameters))
            if let binding = entry.binding { record.bind(binding, number: bases.numbers, leaves: &index.leaves) }
            index.entries.append(record)
            for tensor in entry.tensors {
                index.tensors.append(try Self.record(of: tensor, in: entry.key))
                sources.append(tensor.source)
            }
        }
        index.metadata = adapter.metadata.keys.sorted { $0.precedesInBytes($1) }.map { key in
            MetadataRecord(key: strings.id(key), value: strings.id(adapter.metadata[key] ?? ""))
        }
        try Self.check(index.strings)
        try index.validate()
        guard index.entries.count <= Limits.entries, index.tensors.count <= Limits.tensors else {
            throw Failure(.limit, "the adapter has more entries or tensors than a container may hold")
        }
        self.index = index
        self.sources = sources
    }

    private static func check(_ strings: [String]) throws(Failure) {
        var total = 0
        for string in strings {
            let count = string.utf8.count
            total += count
            guard count <= Limits.stringLength, total <= Limits.stringBytes else {
                throw Failure(.limit, "a text is longer than a container may hold", actual: "\(count) bytes")
            }
        }
    }

    private static func record(of tensor: RoleTensor, in key: EntryKey) throws(Failure) -> TensorRecord {
        let shape = tensor.source.shape
        let object = "\(key), tensor \(tensor.role.word)"
        guard try shape.byteCount(tensor.source.dtype) == tensor.source.byteCount else {
            throw Failure(.internal, "a tensor's shape does not match its bytes", object: object)
        }
        guard shape.rank <= Limits.rank else {
            throw Failure(.badRank, "a tensor has too many dimensions", object: object)
        }
        for dimension in shape.dimensions {
            if dimension == 0 { throw Failure(.zeroDimension, "a tensor has a dimension of zero", object: object) }
            guard dimension < Limits.dimension else {
                throw Failure(.dimensionTooLarge, "a dimension is 2^48 or more", object: object)
            }
        }
        return TensorRecord(
            role: tensor.role, dtype: tensor.source.dtype, filter: .none,
            chunkLog2: UInt8(tensor.source.blockByteCount.trailingZeroBitCount), shape: shape, digest: .zero)
    }
}

extension EntryRecord {
    fileprivate mutating func bind(_ binding: EntryBinding, number: [UInt16], leaves: inout [Digest]) {
        base = number[binding.base]
        if let leaf = binding.baseLeaf {
            flags.insert(.baseLeaf)
            leaves.append(leaf)
        }
        if let leaf = binding.resultLeaf {
            flags.insert(.resultLeaf)
            leaves.append(leaf)
        }
    }
}

/// Bases in the order of their roots, and for each base of the adapter its number in that order.
private struct BaseTable {
    let records: [BaseRecord]
    let numbers: [UInt16]

    init(_ bases: [BaseReference]) {
        let order = bases.indices.sorted { bases[$0].root.bytes.lexicographicallyPrecedes(bases[$1].root.bytes) }
        var numbers = [UInt16](repeating: 0, count: bases.count)
        for (number, base) in order.enumerated() { numbers[base] = UInt16(clamping: number) }
        self.numbers = numbers
        records = order.map { number in
            let base = bases[number]
            return BaseRecord(
                root: base.root, headerDigest: base.headerDigest, tensorCount: UInt64(base.tensorCount),
                byteCount: UInt64(base.byteCount), sourceFormat: BaseRecord.safetensors)
        }
    }
}

/// Strings to be numbered in the order of their bytes.
private struct StringNumbers {
    private var members: Set<[UInt8]> = []
    private lazy var ids: [[UInt8]: UInt32] = number()

    mutating func insert(_ text: String) {
        if !text.isEmpty { members.insert(Array(text.utf8)) }
    }

    /// Throws where a string is longer than its length can say, or all are longer than a reader takes.
    func check() throws(Failure) {
        var total = 0
        for text in members {
            total += text.count
            guard text.count <= UInt16.max, total <= Limits.stringBytes else {
                throw Failure(
                    .limit, "the names and texts are longer than a container may hold",
                    expected: "at most \(UInt16.max) bytes each and \(Limits.stringBytes) together",
                    actual: "\(max(text.count, total))")
            }
        }
    }

    private func number() -> [[UInt8]: UInt32] {
        var ids: [[UInt8]: UInt32] = [:]
        for (id, bytes) in members.sorted(by: { $0.lexicographicallyPrecedes($1) }).enumerated() {
            ids[bytes] = UInt32(id)
        }
        return ids
    }

    var sorted: [String] {
        members.sorted { $0.lexicographicallyPrecedes($1) }.map { String(decoding: $0, as: UTF8.self) }
    }

    mutating func id(_ text: String) -> UInt32 {
        ids[Array(text.utf8)] ?? Index.noString
    }
}

/// Parameter sets to be numbered in the order of their bytes, which tell apart what strings take for equal.
private struct ParameterTable {
    let sorted: [Parameters]
    private let ids: [[UInt8]: UInt32]

    init(_ sets: [Parameters]) {
        var unique: [[UInt8]: Parameters] = [:]
        for set in sets { unique[set.serialized()] = set }
        let ordered = unique.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        sorted = ordered.map(\.value)
        var ids: [[UInt8]: UInt32] = [:]
        for (id, member) in ordered.enumerated() { ids[member.key] = UInt32(id) }
        self.ids = ids
    }

    /// Throws where a set has more than its encoding can count.
    func check() throws(Failure) {
        for set in sorted {
            let bytes = set.serialized()
            guard bytes.count <= Limits.parameterBytes, (try? Parameters(parsing: bytes)) == set else {
                throw Failure(
                    .limit, "a config is larger than a container may hold",
                    expected: "at most \(Limits.parameterBytes) bytes",
                    actual: "\(bytes.count)")
            }
        }
    }

    func id(_ set: Parameters) -> UInt32 {
        ids[set.serialized()] ?? 0
    }
}
