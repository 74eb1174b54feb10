package import Diagnostics
import Files
import JSON
package import Tensors

/// Which tensors of a checkpoint go into which file, with every byte but theirs.
package struct ShardPlan: Sendable {
    package struct File: Sendable {
        package let name: String
        /// All that stands before the tensors.
        package let headerBytes: [UInt8]
        /// The numbers of the tensors in the order in which their bytes follow the header.
        package let tensors: [Int]
        /// Where in the file each of ``tensors`` begins.
        package let starts: [Int]
        package let byteCount: Int

        package init(name: String, headerBytes: [UInt8], tensors: [Int], starts: [Int], byteCount: Int) {
            self.name = name
            self.headerBytes = headerBytes
            self.tensors = tensors
            self.starts = starts
            self.byteCount = byteCount
        }
    }

    package typealias Description = (name: String, dtype: DType, shape: Shape)

    package let files: [File]
    /// The file that says which shard holds what, nil where there is one.
    package let index: (name: String, bytes: [UInt8])?

    /// How large all files are together.
    package let byteCount: Int

    /// What Hugging Face's libraries write by default: 5 GB.
    package static let usualShardByteCount = 5_000_000_000

    /// Files that are known to the byte; the index, if there is one, is another's affair.
    package init(files: [File]) throws(Failure) {
        self.files = files
        index = nil
        byteCount = try Self.total(files).all
    }

    /// Files as Hugging Face's libraries lay them out: tensors in the order given fill shards of at most
    /// `maximumShardByteCount` bytes of data, a larger tensor has one for itself; one shard alone has no index.
    ///
    /// Throws as ``SafetensorsWriter/headerBytes(tensors:metadata:)``.
    package init(
        _ tensors: [Description], maximumShardByteCount: Int = usualShardByteCount
    ) throws(Failure) {
        var shards: [[Int]] = []
        var open: [Int] = []
        var held = 0
        for (number, tensor) in tensors.enumerated() {
            let byteCount = try tensor.shape.byteCount(tensor.dtype)
            if byteCount > maximumShardByteCount {
                shards.append([number])
                continue
            }
            if held > maximumShardByteCount - byteCount {
                shards.append(open)
                open = []
                held = 0
            }
            open.append(number)
            held += byteCount
        }
        if !open.isEmpty || shards.isEmpty { shards.append(open) }

        var files: [File] = []
        for (place, members) in shards.enumerated() {
            let name = shards.count == 1 ? CheckpointListing.usualName : Self.shardName(place + 1, of: shards.count)
            files.append(try Self.file(name, members, of: tensors, metadata: [("format", "pt")]))
        }
        let total = try Self.total(files)
        self.files = files
        index =
            shards.count == 1
            ? nil : (CheckpointListing.usualIndexName, Self.indexBytes(files, tensors, dataByteCount: total.data))
        byteCount = total.all + (index?.bytes.count ?? 0)
    }

    /// The files of `checkpoint`, for tensors of which most are its own: a shard whose tensors have the names, types
    /// and shapes they had keeps its header byte for byte, and so does the index. What is new goes into the last shard.
    ///
    /// Throws as ``SafetensorsWriter/headerBytes(tensors:metadata:)``, and what reading the index throws.
    package init(_ tensors: [Description], following checkpoint: Checkpoint) throws(Failure) {
        var members = [[Int]](repeating: [], count: checkpoint.shards.count)
        var isSame = [Bool](repeating: true, count: checkpoint.shards.count)
        var hasMoved = false
        var names = Set<ExactKey>(minimumCapacity: tensors.count)
        for (number, tensor) in tensors.enumerated() {
            guard names.insert(ExactKey(tensor.name)).inserted else {
                throw Failure(.jsonDuplicate, "the checkpoint would have this tensor twice", object: tensor.name)
            }
            let old = checkpoint[tensor.name]
            let shard = old?.shard ?? checkpoint.shards.count - 1
            members[shard].append(number)
            if old == nil { hasMoved = true }
            if old?.dtype != tensor.dtype || old?.shape != tensor.shape { isSame[shard] = false }
        }
        var files: [File] = []
        for (shard, old) in checkpoint.shards.enumerated() {
            let isWhole = members[shard].count == old.file.tensors.count
            if !isWhole { hasMoved = true }
            if isSame[shard] && isWhole {
                files.append(Self.file(old, members[shard], of: tensors))
            } else if !members[shard].isEmpty || checkpoint.index == nil {
                files.append(
                    try Self.file(old.name, members[shard], of: tensors, metadata: old.file.header.metadata))
            }
        }
        let total = try Self.total(files)
        self.files = files
        if let file = checkpoint.index, let name = checkpoint.indexName {
            let isKept = !hasMoved && isSame.allSatisfy { $0 }
            let bytes =
                isKept
                ? try file.read(at: 0, count: file.size)
                : Self.indexBytes(files, tensors, dataByteCount: total.data)
            index = (name, bytes)
        } else {
            index = nil
        }
        byteCount = total.all + (index?.bytes.count ?? 0)
    }

    // MARK: Files

    private static func file(
        _ name: String, _ members: [Int], of tensors: [Description], metadata: [(key: String, value: String)]?
    ) throws(Failure) -> File {
        let (bytes, order) = try SafetensorsWriter.headerBytes(tensors: members.map { tensors[$0] }, metadata: metadata)
        var starts: [Int] = []
        var end = bytes.count
        for place in order {
            let tensor = tensors[members[place]]
            starts.append(end)
            let (next, overflow) = end.addingReportingOverflow(try tensor.shape.byteCount(tensor.dtype))
            guard !overflow else {
                throw Failure(.baseInvalid, "the tensor is too large for a safetensors file", object: tensor.name)
            }
            end = next
        }
        return File(
            name: name, headerBytes: bytes, tensors: order.map { members[$0] }, starts: starts, byteCount: end)
    }

    /// The file as it was; `members` are all of its tensors.
    private static func file(_ old: Checkpoint.Shard, _ members: [Int], of tensors: [Description]) -> File {
        let header = old.file.header
        var numbers = [Int](repeating: 0, count: header.tensors.count)
        for number in members {
            if let position = header.index(of: tensors[number].name) { numbers[position] = number }
        }
        return File(
            name: old.name, headerBytes: header.bytes, tensors: header.offsetOrder.map { numbers[$0] },
            starts: header.offsetOrder.map { header.tensors[$0].range.lowerBound }, byteCount: header.fileByteCount)
    }

    /// The bytes of all files, and those of their tensors.
    private static func total(_ files: [File]) throws(Failure) -> (all: Int, data: Int) {
        var (all, data) = (0, 0)
        for file in files {
            let (sum, overflow) = all.addingReportingOverflow(file.byteCount)
            guard !overflow, sum <= maximumByteCount else {
                throw Failure(.totalOverflow, "the tensors have more bytes than fit in 64 bits", object: file.name)
            }
            all = sum
            data += file.byteCount - file.headerBytes.count
        }
        return (all, data)
    }

    /// Leaves room for an index.
    private static let maximumByteCount = 1 << 62

    /// `model-00001-of-00003.safetensors`.
    private static func shardName(_ number: Int, of count: Int) -> String {
        func padded(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 5 - digits.utf8.count)) + digits
        }
        return "model-\(padded(number))-of-\(padded(count)).safetensors"
    }

    /// The index, byte for byte as Hugging Face's libraries write it.
    private static func indexBytes(_ files: [File], _ tensors: [Description], dataByteCount: Int) -> [UInt8] {
        var map = JSONObject()
        for file in files {
            for number in file.tensors { map[tensors[number].name] = .string(file.name) }
        }
        let document: JSONValue = [
            "metadata": ["total_size": JSONValue(dataByteCount)], "weight_map": .object(map),
        ]
        return JSONWriter.bytes(of: document, .python(indent: 2, sortKeys: true)) + Array("\n".utf8)
    }
}
