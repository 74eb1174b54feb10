import Diagnostics
import Files
import JSON

/// The file that says which shard of a checkpoint holds which tensor, `model.safetensors.index.json`.
struct ShardIndex: Sendable {
    /// The most bytes of text; the largest models have some 10 MB.
    static let maximumByteCount = 64 << 20
    /// Of the shards' names.
    static let maximumNameByteCount = 1024

    let file: any FileContent
    /// Relative to the checkpoint's folder.
    let name: String
    /// Relative to the checkpoint's folder, in the order of their bytes, each once.
    let shardNames: [String]
    /// For every tensor the index in ``shardNames`` of its shard.
    let places: [ExactKey: Int]

    /// Reads and checks the index `name` in `folder`.
    ///
    /// Throws ``Failure/Code/basePath`` for a shard outside the folder, ``Failure/Code/baseInvalid`` for what is no index,
    /// and the codes of ``JSONScanner``.
    init(_ name: String, in folder: any FolderContent) throws(Failure) {
        let file = try folder.file(named: name)
        guard file.size <= Self.maximumByteCount else {
            throw Failure(
                .jsonLimit, "the index is too long", path: file.path,
                expected: "at most \(Self.maximumByteCount) bytes",
                actual: "\(file.size)")
        }
        let bytes = try file.read(at: 0, count: file.size)
        var shards = ShardNames()
        let map = try Self.parse(bytes, path: file.path, &shards)
        guard let map, !map.isEmpty else {
            throw Failure(
                .baseInvalid, "the index names no tensors", path: file.path,
                expected: "a weight_map from tensors to files"
            )
        }
        let order = shards.names.indices.sorted {
            shards.names[$0].utf8.lexicographicallyPrecedes(shards.names[$1].utf8)
        }
        var ranks = [Int](repeating: 0, count: order.count)
        for (rank, number) in order.enumerated() { ranks[number] = rank }
        self.file = file
        self.name = name
        shardNames = order.map { shards.names[$0] }
        places = map.mapValues { ranks[$0] }
    }

    /// The weight map, nil where there is none, with shards by the order in which they come.
    private static func parse(
        _ bytes: [UInt8], path: String, _ shards: inout ShardNames
    ) throws(Failure) -> [ExactKey: Int]? {
        let text = unsafe bytes.span.bytes
        var scanner = try JSONScanner(text, path: path, limit: maximumByteCount, mismatch: .baseInvalid)
        var map: [ExactKey: Int]?
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            guard key == "weight_map" else {
                try scanner.skip()
                continue
            }
            var entries: [ExactKey: Int] = [:]
            try scanner.beginObject()
            while let tensor = try scanner.nextKey() {
                let place = scanner.offset
                let name = try scanner.string()
                guard let number = shards.number(of: name) else {
                    throw Failure(
                        .basePath, "the index names a shard that is not plainly in its folder", object: tensor,
                        offset: place, path: path, actual: name)
                }
                entries[ExactKey(tensor)] = number
            }
            map = entries
        }
        try scanner.end()
        return map
    }
}

/// The names of shards met so far.
private struct ShardNames {
    private(set) var names: [String] = []
    private var numbers: [ExactKey: Int] = [:]

    /// The number of a shard, nil for a name that may lead out of the folder or into a terminal.
    mutating func number(of name: String) -> Int? {
        if let number = numbers[ExactKey(name)] { return number }
        guard Self.isPlain(name) else { return nil }
        numbers[ExactKey(name)] = names.count
        names.append(name)
        return names.count - 1
    }

    private static func isPlain(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isPrintable = name.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && !(0x7F...0x9F ~= scalar.value) && scalar != "\\"
        }
        return isPrintable && name.utf8.count <= ShardIndex.maximumNameByteCount
            && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }
}
