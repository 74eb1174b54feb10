import Checkpoints
import Diagnostics
import Digests
import Files
import Parallelism
import Support
import Synchronization
import Tensors
import Testing

@Suite("Base fingerprints") struct FingerprintTests {
    /// Computed from `Spec/base.md` with Python's hashlib and struct, for `Sample.all()`.
    private static let root = "80553f729d210c4030ca7fa7faf7123241952944f0e87cdc9350ca5b863d7552"
    private static let headerDigest = "9fef2458dcdf9bf846e22a402aa069807fa04f22a991d702c2c9ef4df82465f2"

    private static func fingerprint(_ path: String, lanes: Int = 2) throws -> BaseFingerprint {
        try BaseFingerprint(of: Checkpoint(path: path), lanes: Lanes(count: lanes))
    }

    @Test("are what the page says, whatever the number of lanes", arguments: [1, 2, 5])
    func known(lanes: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(try weights(try Sample.all()), to: "any.safetensors")
        let found = try Self.fingerprint(path, lanes: lanes)
        #expect(found.root.description == Self.root)
        #expect(found.headerDigest.description == Self.headerDigest)
        #expect(found.tensorCount == 6)
        #expect(try found.byteCount == Sample.all().reduce(0) { $0 + $1.buffer.byteCount })
        #expect(try BaseFingerprint.headerDigest(of: Checkpoint(path: path)) == found.headerDigest)
    }

    @Test("do not depend on shards, names of files, order or metadata")
    func sharding() throws {
        let samples = try Sample.all()
        for cut in 0...samples.count {
            let folder = try TemporaryFolder()
            try folder.writeShards([
                ("one.safetensors", Array(samples[..<cut])), ("another.safetensors", Array(samples[cut...].reversed())),
            ])
            #expect(try Self.fingerprint(folder.path).root.description == Self.root)
        }
        // Data in the order of the names, header in another, no metadata.
        let folder = try TemporaryFolder()
        let text = """
            {"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}
            """
        let one = try folder.write(Array(file(text, data: 3).dropLast(3)) + [9, 8, 7], to: "1.safetensors")
        let other =
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#
        let two = try folder.write(Array(file(other, data: 3).dropLast(3)) + [8, 7, 9], to: "2.safetensors")
        #expect(try Self.fingerprint(one) == Self.fingerprint(two))
    }

    @Test("of a checkpoint without tensors")
    func empty() throws {
        let folder = try TemporaryFolder()
        let found = try Self.fingerprint(try folder.write(try weights([]), to: "model.safetensors"))
        #expect(found.root == SHA256.hash([]) && found.headerDigest == found.root && found.tensorCount == 0)
    }

    @Test("change with each part of a tensor, and only the root does with its data")
    func parts() throws {
        let folder = try TemporaryFolder()
        func of(_ name: String, _ dtype: DType, _ shape: Shape, seed: Int = 0) throws -> BaseFingerprint {
            let sample = try Sample(name, dtype, shape, seed: seed)
            return try Self.fingerprint(try folder.write(try weights([sample]), to: "x.safetensors"))
        }
        let usual = try of("a", .f16, [2, 3])
        for other in try [of("b", .f16, [2, 3]), of("a", .bf16, [2, 3]), of("a", .f16, [3, 2]), of("a", .f16, [6])] {
            #expect(other.root != usual.root && other.headerDigest != usual.headerDigest)
        }
        let tuned = try of("a", .f16, [2, 3], seed: 1)
        #expect(tuned.root != usual.root && tuned.headerDigest == usual.headerDigest)
    }

    @Test("a leaf is made of the digest of data that was hashed elsewhere")
    func leaf() throws {
        let folder = try TemporaryFolder()
        let sample = try Sample("a", .f16, [2, 3])
        let found = try Self.fingerprint(try folder.write(try weights([sample]), to: "x.safetensors"))
        let leaf = BaseFingerprint.leaf(
            name: "a", dtype: .f16, shape: [2, 3], data: TensorDigest.data(sample.buffer.bytes))
        #expect(found.leaves == [leaf] && found.root == leaf)
    }
}

@Suite("The cache of fingerprints") struct FingerprintCacheTests {
    private let folder: TemporaryFolder
    private let model: String

    init() throws {
        folder = try TemporaryFolder()
        let samples = try Sample.all()
        try Folder.make(folder("model"))
        try folder.write(try weights(Array(samples[..<3])), to: "model/one.safetensors")
        try folder.write(try weights(Array(samples[3...])), to: "model/two.safetensors")
        let map = samples.enumerated().map { ($1.name, $0 < 3 ? "one.safetensors" : "two.safetensors") }
        try folder.write(index(map), to: "model/model.safetensors.index.json")
        model = folder("model")
    }

    /// The fingerprint, and how many bytes were read for it.
    private func run(_ cache: FingerprintCache) throws -> (BaseFingerprint, Int) {
        let reads = Mutex<[Int]>([])
        let checkpoint = try Checkpoint(path: model)
        let found = try BaseFingerprint(of: checkpoint, lanes: Lanes(count: 2), cache: cache) { count in
            reads.withLock { $0.append(count) }
        }
        // The first call tells what need not be read.
        let counts = reads.withLock { $0 }
        #expect(counts.reduce(0, +) == checkpoint.totalBytes)
        return (found, counts.dropFirst().reduce(0, +))
    }

    private var cache: FingerprintCache { FingerprintCache(folder: folder("home/tenon/fingerprints"), rest: 0) }

    private func entries() throws -> [String] {
        try Folder.entries(of: cache.folder).map { Paths.joined(cache.folder, $0.name) }
    }

    @Test("saves the second reading, and gives the same")
    func hit() throws {
        let (first, read) = try run(cache)
        #expect(try read == first.byteCount && entries().count == 2)
        let (second, none) = try run(cache)
        #expect(second == first && none == 0)
    }

    @Test("neither keeps nor believes what was changed a moment ago")
    func racy() throws {
        let wary = FingerprintCache(folder: cache.folder)
        _ = try run(wary)
        #expect(try Folder.kind(of: folder("home")) == nil)
        let (found, _) = try run(cache)
        #expect(try run(wary).1 == found.byteCount)
    }

    @Test("reads again what was written again")
    func changed() throws {
        let (first, _) = try run(cache)
        var bytes = try contents(of: folder("model/one.safetensors"))
        bytes[bytes.count - 1] ^= 1
        try folder.write(bytes, to: "model/one.safetensors")
        let (second, read) = try run(cache)
        #expect(second.root != first.root && read > 0 && read < first.byteCount)
    }

    @Test("does not believe an entry with a flipped bit, cut, longer or of another file")
    func damaged() throws {
        let (first, _) = try run(cache)
        let (one, two) = (try entries()[0], try entries()[1])
        let whole = try contents(of: one)
        for damage in [
            Array(whole.dropLast()), whole + [0], [], try contents(of: two), [UInt8](repeating: 0, count: whole.count),
        ] {
            try write(damage, to: one)
            let (found, read) = try run(cache)
            #expect(found == first && read > 0)
        }
        for place in stride(from: 0, to: whole.count, by: 5) {
            var bytes = whole
            bytes[place] ^= 0x10
            try write(bytes, to: one)
            let checkpoint = try Checkpoint(path: model)
            #expect(checkpoint.shards.count { cache.digests(of: $0.file) == nil } == 1)
        }
    }

    @Test("that cannot be written does no harm")
    func unwritable() throws {
        try folder.write([1], to: "file")
        let (found, read) = try run(FingerprintCache(folder: folder("file/below"), rest: 0))
        #expect(read == found.byteCount)
    }

    @Test("forgets the oldest entries")
    func bounded() throws {
        try Folder.make(folder("many"))
        for number in 0..<FingerprintCache.maximumCount { try folder.write([], to: "many/\(number)") }
        let many = FingerprintCache(folder: folder("many"), rest: 0)
        let (_, read) = try run(many)
        #expect(try read > 0 && run(many).1 == 0)
        #expect(try Folder.entries(of: many.folder).count < 4096)
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try OutputFile.create(at: path, replacing: true, durability: .none)
        try unsafe file.write(bytes.span.bytes)
        try file.commit()
    }
}
