import Adapters
import DeltaFormat
import Diagnostics
import Digests
import Files
import Parallelism
import Support
import Tensors
import Testing

/// Adapters of random tensors, written and read back.
@Suite struct RoundTripTests {
    private func adapter(seed: UInt64) throws -> Adapter {
        var random = RepeatableRandom(seed: seed)
        var adapter = Adapter(
            method: "lora",
            parameters: ["r": 8, "lora_alpha": 16, "note": "é", "rank_pattern": .map([.init("b", 1), .init("a", 2)])])
        adapter.metadata = ["base": "tiny", "empty": ""]
        for (layer, dtype) in [DType.f32, .bf16, .f16, .f64].enumerated() {
            let width = dtype.bits / 8
            let a = try TensorBuffer(
                dtype: dtype, shape: [8, 64 << layer], bytes: random.bytes((8 * 64 << layer) * width))
            let b = try TensorBuffer(dtype: dtype, shape: [96, 8], bytes: [UInt8](repeating: 0, count: 96 * 8 * width))
            adapter.entries.append(
                AdapterEntry(
                    key: EntryKey("layers.\(layer).weight", .lora), tensors: [RoleTensor(.a, a), RoleTensor(.b, b)]))
        }
        let large = try TensorBuffer(dtype: .bf16, shape: [1 << 20, 3], bytes: random.bytes(6 << 20))
        adapter.entries.append(AdapterEntry(key: EntryKey("norm.weight", .full), tensors: [RoleTensor(.value, large)]))
        let noise = TensorBuffer(random.bytes(3_000_001))
        adapter.entries.append(
            AdapterEntry(
                key: EntryKey("blob", .file), parameters: ["layout": "verbatim"], tensors: [RoleTensor(.value, noise)]))
        adapter.entries.append(
            AdapterEntry(key: EntryKey("empty.txt", .file), parameters: ["layout": "verbatim"], tensors: []))
        let scalar = try TensorBuffer(dtype: .f32, shape: [], bytes: [1, 2, 3, 4])
        adapter.entries.append(
            AdapterEntry(key: EntryKey("x", Kind(rawValue: 9999)), tensors: [RoleTensor(Role(rawValue: 250), scalar)]))
        return adapter
    }

    private func write(
        _ adapter: Adapter, _ folder: TemporaryFolder, _ name: String, lanes: Int,
        _ compression: Compression = .standard
    )
        throws -> Trailer
    {
        let output = try OutputFile.create(at: folder.path + "/" + name, replacing: true)
        let trailer = try ContainerWriter(compression: compression, lanes: Lanes(count: lanes)).write(
            adapter, to: output)
        try output.commit()
        return trailer
    }

    @Test(arguments: Compression.allCases)
    func everythingComesBack(compression: Compression) throws {
        let folder = try TemporaryFolder()
        let original = try adapter(seed: 1)
        _ = try write(original, folder, "x.tenon", lanes: 2, compression)
        let container = try Container(InputFile(path: folder.path + "/x.tenon"))
        try container.verify(.full, lanes: Lanes(count: 2))
        try Container(container.file, mapped: true).verify(.full, lanes: Lanes(count: 2))
        let result = container.adapter
        #expect(result.method == original.method)
        #expect(result.parameters == original.parameters)
        #expect(result.metadata == original.metadata)
        let expected = original.entries.sorted { $0.key < $1.key }
        #expect(result.entries.map(\.key) == expected.map(\.key))
        for (found, wanted) in zip(result.entries, expected) {
            #expect(found.parameters == wanted.parameters)
            for (a, b) in zip(found.tensors, wanted.tensors) {
                #expect(a.role == b.role)
                #expect(a.source.shape == b.source.shape)
                let bytes = try a.source.readAll()
                #expect(try bytes == b.source.readAll())
                let middle = try a.source.read(at: bytes.count / 3, count: bytes.count / 3)
                #expect(middle == Array(bytes[(bytes.count / 3)..<(bytes.count / 3 * 2)]))
            }
        }
    }

    @Test func bytesDoNotDependOnLanesAndContentNotOnCompression() throws {
        let folder = try TemporaryFolder()
        let original = try adapter(seed: 2)
        let one = try write(original, folder, "1", lanes: 1)
        #expect(try write(original, folder, "3", lanes: 3) == one)
        let a = try InputFile(path: folder.path + "/1")
        let b = try InputFile(path: folder.path + "/3")
        #expect(try a.read(at: 0, count: a.size) == b.read(at: 0, count: b.size))
        #expect(try write(original, folder, "fast", lanes: 2, .fast).contentDigest == one.contentDigest)
        #expect(try write(original, folder, "max", lanes: 2, .max).contentDigest == one.contentDigest)
        #expect(try write(adapter(seed: 3), folder, "other", lanes: 2).contentDigest != one.contentDigest)
    }

    @Test func indexIsCanonical() throws {
        let folder = try TemporaryFolder()
        _ = try write(adapter(seed: 4), folder, "x", lanes: 2)
        let file = try InputFile(path: folder.path + "/x")
        let container = try Container(file)
        let bytes = try file.read(at: Int(container.trailer.indexOffset), count: Int(container.trailer.indexSize))
        #expect(container.index.serialized() == bytes)
    }

    @Test func zerosAreSmallAndRareChangesToo() throws {
        let folder = try TemporaryFolder()
        var rare = [UInt8](repeating: 0, count: 4 << 20)
        rare[1_000_003] = 1
        for bytes in [[UInt8](repeating: 0, count: 4 << 20), rare] {
            var adapter = Adapter(method: "full")
            let tensor = try TensorBuffer(dtype: .f32, shape: [bytes.count / 4], bytes: bytes)
            adapter.entries = [AdapterEntry(key: EntryKey("w", .full), tensors: [RoleTensor(.value, tensor)])]
            let trailer = try write(adapter, folder, "x", lanes: 2)
            #expect(trailer.fileSize < 2000)
            try Container(InputFile(path: folder.path + "/x")).verify(.full, lanes: Lanes(count: 2))
        }
    }

    @Test func writerRefusesWhatReadersWould() throws {
        let folder = try TemporaryFolder()
        let tensor = TensorBuffer([1, 2, 3])
        func entry(_ target: String) -> AdapterEntry {
            AdapterEntry(key: EntryKey(target, .full), tensors: [RoleTensor(.value, tensor)])
        }
        let cases: [([AdapterEntry], Failure.Code)] = [
            ([entry("a"), entry("a")], .duplicate), ([entry("a\u{7}")], .badName), ([entry("")], .badStringReference),
            ([entry(String(repeating: "x", count: 1025))], .badName),
            ([AdapterEntry(key: EntryKey("a", .lora), tensors: [RoleTensor(.a, tensor)])], .kindShape),
        ]
        for (entries, code) in cases {
            let error = #expect(throws: Failure.self) {
                try write(Adapter(method: "full", entries: entries), folder, "x", lanes: 1)
            }
            #expect(error?.code == code)
        }
        #expect(try folder.names() == [])
    }
}
