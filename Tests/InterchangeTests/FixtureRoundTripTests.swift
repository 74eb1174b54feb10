import Adapters
import Checkpoints
import Diagnostics
import Files
import JSON
import Parallelism
import Support
import Tensors
import Testing

import Interchange

@Suite("Fixtures of PEFT")
struct FixtureRoundTripTests {
    /// Exports into a fresh folder and gives its path.
    private func export(_ adapter: Adapter, into place: TemporaryFolder, ignoringOriginal: Bool) throws -> String {
        let folder = try OutputFolder.create(at: place("out"), replacing: false, durability: .none)
        try PEFTFolder.write(adapter, to: folder, lanes: Lanes(count: 2), ignoringOriginal: ignoringOriginal)
        try folder.commit()
        return place("out")
    }

    @Test("come out byte for byte with the original", arguments: FixtureFolders.all)
    func identical(name: String) throws {
        let source = FixtureFolders.path(name)
        let read = try PEFTFolder.read(source)
        let place = try TemporaryFolder()
        let out = try export(read.adapter, into: place, ignoringOriginal: false)
        for file in try Folder.entries(of: source) where file.kind == .file && !read.skipped.contains(file.name) {
            let same = try contents(of: Paths.joined(out, file.name)) == contents(of: Paths.joined(source, file.name))
            #expect(same, "\(file.name) differs")
        }
        try read.checkUnchanged()
    }

    @Test("come out with the same meaning without the original", arguments: FixtureFolders.all)
    func sameMeaning(name: String) throws {
        let read = try PEFTFolder.read(FixtureFolders.path(name))
        var bare = read.adapter
        bare.entries.removeAll { $0.key.kind == .file }
        let place = try TemporaryFolder()
        let out = try export(bare, into: place, ignoringOriginal: true)
        let again = try PEFTFolder.read(out)
        #expect(again.adapter.method == read.adapter.method)
        #expect(again.adapter.parameters == read.adapter.parameters)
        let names = ["adapter_model.safetensors", "adapter_model.bin"]
        guard try Folder.kind(of: Paths.joined(FixtureFolders.path(name), names[0])) != nil else { return }
        let before = try SafetensorsFile(InputFile(path: Paths.joined(FixtureFolders.path(name), names[0])))
        let after = try SafetensorsFile(InputFile(path: Paths.joined(out, names[0])))
        #expect(Set(after.tensors.map(\.name)) == Set(before.tensors.map(\.name)))
        for tensor in before.tensors {
            let index = try #require(after.index(of: tensor.name))
            #expect(after.tensors[index].dtype == tensor.dtype && after.tensors[index].shape == tensor.shape)
            let old = try before.source(named: tensor.name)?.readAll()
            let new = try after.source(at: index).readAll()
            #expect(old == new, "\(tensor.name) differs")
        }
    }

    @Test("are understood where the table says so", arguments: FixtureFolders.all)
    func understood(name: String) throws {
        let read = try PEFTFolder.read(FixtureFolders.path(name))
        let config = try JSONValue.parse(contents(of: Paths.joined(FixtureFolders.path(name), "adapter_config.json")))
        let type = try #require(config["peft_type"]?.string)
        let isUnderstood = try FixtureFolders.understoodTypes().contains(type)
        #expect((Method.named(read.adapter.method) != nil) == isUnderstood)
        // Nothing of the original header has to be kept where PEFT's own writer made it.
        let weights = read.adapter.entries.first { $0.key.target == PEFTFolder.weightsName && $0.key.kind == .file }
        if let weights, isUnderstood { #expect(weights.tensors.isEmpty) }
    }
}
