import Adapters
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import Files
import Parallelism
import Support
import Testing

/// Checkpoints that are kept in containers, and read from there.
@Suite("Snapshots")
struct SnapshotTests {
    private static let models = ["bert", "gpt2", "llama", "mixtral", "t5"]
    private let lanes = Lanes(count: 2)

    private func base(_ name: String) -> String { Paths.joined(MergedFixtures.root, "bases/\(name)") }

    private func extract(_ base: Checkpoint, _ tuned: Checkpoint, to path: String) throws -> Container {
        _ = try ExtractJob(lanes: lanes).run(base: base, tuned: tuned, output: path)
        return try Container(InputFile(path: path))
    }

    private func apply(_ delta: Container, onto base: Checkpoint, to path: String) throws {
        let weighted = WeightedAdapter(
            delta.adapter, contentDigest: delta.contentDigest, path: delta.file.path, weight: 1)
        _ = try ApplyJob(lanes: lanes).run([weighted], onto: base, output: path)
    }

    /// The bytes of all files of a folder, by name.
    private func files(_ folder: any FolderContent) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for entry in try folder.entries() {
            let file = try folder.file(named: entry.name)
            files[entry.name] = try file.read(at: 0, count: file.size)
        }
        return files
    }

    /// A copy of a model with every `stride`-th byte of its weights changed by one.
    private func tuned(_ name: String, stride: Int, in folder: TemporaryFolder) throws -> String {
        try Folder.make(folder("tuned"))
        for (file, bytes) in try files(DiskFolder(base(name))) {
            var bytes = bytes
            if file.hasSuffix(".safetensors") {
                let start = try SafetensorsFile(InputFile(path: Paths.joined(base(name), file))).header.byteCount
                for place in Swift.stride(from: start, to: bytes.count, by: stride) { bytes[place] ^= 1 }
            }
            try folder.write(bytes, to: "tuned/" + file)
        }
        return folder("tuned")
    }

    @Test("gives every file back, written out or read where it is", arguments: models)
    func wholeModels(_ name: String) throws {
        let folder = try TemporaryFolder()
        let original = try Checkpoint(path: base(name))
        let snapshot = try extract(.nothing(), original, to: folder("x.tenon"))
        #expect(snapshot.isSnapshot)
        try apply(snapshot, onto: .nothing(), to: folder("out"))
        let expected = try files(DiskFolder(base(name)))
        #expect(try files(DiskFolder(folder("out"))) == expected)
        #expect(try files(ResultFolder(snapshot, onto: .nothing())) == expected)
        let held = try Checkpoint(snapshot: snapshot)
        #expect(try BaseFingerprint(of: held, lanes: lanes) == BaseFingerprint(of: original, lanes: lanes))
        #expect(held.config == original.config)
    }

    @Test("stands for its checkpoint as the base of a delta", arguments: models)
    func bases(_ name: String) throws {
        let folder = try TemporaryFolder()
        let original = try Checkpoint(path: base(name))
        let tuned = try Checkpoint(path: tuned(name, stride: 64, in: folder))
        let held = try Checkpoint(snapshot: extract(.nothing(), original, to: folder("base.tenon")))
        let delta = try extract(held, tuned, to: folder("x.tenon"))
        #expect(!delta.isSnapshot)
        #expect(delta.indexDigest == (try extract(original, tuned, to: folder("y.tenon"))).indexDigest)
        try apply(delta, onto: held, to: folder("out"))
        let expected = try files(DiskFolder(folder("tuned")))
        #expect(try files(DiskFolder(folder("out"))) == expected)
        #expect(try files(ResultFolder(delta, onto: held)) == expected)
    }

    @Test("a base whose digests are known is told from as one whose digests are taken", arguments: [1, 7, 64, 4000])
    func knownBases(_ stride: Int) throws {
        let folder = try TemporaryFolder()
        let original = try Checkpoint(path: base("llama"))
        let snapshot = try extract(.nothing(), original, to: folder("base.tenon"))
        let held = try Checkpoint(snapshot: snapshot)
        let nothing = try Checkpoint.nothing()
        let none = BaseFingerprint(of: nothing, leaves: [])
        let known = try #require(BaseFingerprint(of: held, by: snapshot, from: nothing, none))
        #expect(try known == BaseFingerprint(of: original, lanes: lanes))

        let tuned = try Checkpoint(path: tuned("llama", stride: stride, in: folder))
        let expected = try extract(original, tuned, to: folder("x.tenon"))
        var job = ExtractJob(lanes: lanes)
        job.baseFingerprint = known
        _ = try job.run(base: held, tuned: tuned, output: folder("y.tenon"))
        let found = try Container(InputFile(path: folder("y.tenon")))
        #expect(found.indexDigest == expected.indexDigest)
        let next = try Checkpoint(ResultFolder(found, onto: held))
        // What is computed of a base is not known before it is read.
        #expect(BaseFingerprint(of: next, by: found, from: held, known) == nil)
    }

    @Test("what a snapshot states is not believed, but what it holds")
    func liars() throws {
        let folder = try TemporaryFolder()
        let original = try Checkpoint(path: base("llama"))
        let other = try BaseFingerprint(of: Checkpoint(path: tuned("llama", stride: 64, in: folder)), lanes: lanes)
        let nothing = try Checkpoint.nothing()
        var adapter = try extract(nothing, original, to: folder("x.tenon")).adapter
        adapter.parameters["result_root"] = .string("\(other.root)")
        for number in adapter.entries.indices {
            let name = adapter.entries[number].key.target
            guard let tensor = original.index(of: name) else { continue }
            adapter.entries[number].binding?.resultLeaf = other.leaves[tensor]
        }
        let file = try OutputFile.create(at: folder("y.tenon"), replacing: false)
        _ = try ContainerWriter(lanes: lanes).write(adapter, to: file)
        try file.commit()
        let container = try Container(InputFile(path: folder("y.tenon")))
        let result = try Checkpoint(snapshot: container)
        let none = BaseFingerprint(of: nothing, leaves: [])
        #expect(BaseFingerprint(of: result, by: container, from: nothing, none) == nil)
    }

    @Test("an adapter has no checkpoint to give")
    func adapters() throws {
        let folder = try TemporaryFolder()
        let adapter = try MergedFixtures.adapter("adalora")
        let file = try OutputFile.create(at: folder("x.tenon"), replacing: false)
        _ = try ContainerWriter(lanes: lanes).write(adapter, to: file)
        try file.commit()
        let container = try Container(InputFile(path: folder("x.tenon")))
        let failure = #expect(throws: Failure.self) { _ = try ResultFolder(container, onto: .nothing()) }
        #expect(failure?.code == .baseIncompatible)
    }

    @Test("no file but the base's own is taken from it", arguments: ["/etc/hostname", "../config.json", "none.json"])
    func strangers(_ name: String) throws {
        let folder = try TemporaryFolder()
        let llama = try Checkpoint(path: base("llama"))
        var adapter = try extract(
            llama, Checkpoint(path: tuned("llama", stride: 64, in: folder)), to: folder("x.tenon")
        )
        .adapter
        adapter.entries.append(
            AdapterEntry(
                key: EntryKey("notes.json", .file),
                parameters: [
                    "layout": "base", "from": .string(name), "digest": .string(String(repeating: "0", count: 64)),
                ], tensors: []))
        let file = try OutputFile.create(at: folder("y.tenon"), replacing: false)
        _ = try ContainerWriter(lanes: lanes).write(adapter, to: file)
        try file.commit()
        let container = try Container(InputFile(path: folder("y.tenon")))
        let failure = #expect(throws: Failure.self) { _ = try ResultFolder(container, onto: llama) }
        #expect(failure?.code == .baseIncompatible)
    }

    @Test("a few stretches tell which of several checkpoints is the base")
    func nearest() throws {
        let folder = try TemporaryFolder()
        let llama = try Checkpoint(path: base("llama"))
        let tuned = try Checkpoint(path: tuned("llama", stride: 64, in: folder))
        #expect(try BaseSample.share(of: llama, from: llama, lanes: lanes) == 0)
        let near = try BaseSample.share(of: tuned, from: llama, lanes: lanes)
        #expect(near > 0 && near < 0.3)
        #expect(try BaseSample.share(of: tuned, from: Checkpoint(path: base("bert")), lanes: lanes) > 0.9)
        #expect(try BaseSample.share(of: tuned, from: .nothing(), lanes: lanes) == 1)
    }
}
