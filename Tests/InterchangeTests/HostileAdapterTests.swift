import Adapters
import Diagnostics
import Files
import Parallelism
import Support
import Tensors
import Testing

import Interchange

@Suite("Adapters whose files do not fit them")
struct HostileAdapterTests {
    private func bytes(_ bytes: [UInt8]) throws -> TensorBuffer {
        try TensorBuffer(dtype: .u8, shape: [bytes.count], bytes: bytes)
    }

    private func file(_ name: String, ordinal: UInt8 = 0, _ parameters: Parameters = [:], _ tensors: [RoleTensor] = [])
        -> AdapterEntry
    {
        AdapterEntry(key: EntryKey(name, .file, ordinal: ordinal), parameters: parameters, tensors: tensors)
    }

    /// A LoRA of two tensors of eight bytes, and these entries.
    private func lora(_ files: AdapterEntry...) throws -> Adapter {
        func factor(_ shape: Shape) throws -> TensorBuffer {
            try TensorBuffer(dtype: .f32, shape: shape, bytes: [UInt8](repeating: 7, count: 8))
        }
        let entry = AdapterEntry(
            key: EntryKey("model.q_proj.weight", .lora),
            tensors: [RoleTensor(.a, try factor([1, 2])), RoleTensor(.b, try factor([2, 1]))])
        return Adapter(method: "lora", parameters: ["r": 1], entries: [entry] + files)
    }

    private func failure(_ adapter: Adapter, ignoringOriginal: Bool = false) throws -> Failure? {
        let place = try TemporaryFolder()
        let folder = try OutputFolder.create(at: place("out"), replacing: false, durability: .none)
        do throws(Failure) {
            try PEFTFolder.write(adapter, to: folder, lanes: Lanes(count: 1), ignoringOriginal: ignoringOriginal)
            try folder.commit()
            return nil
        } catch {
            return error
        }
    }

    private func spliced(_ rows: [[UInt64]], size: ParameterValue?) throws -> Adapter {
        var parameters: Parameters = ["layout": "splice"]
        parameters["size"] = size
        let splices = try TensorBuffer(
            dtype: .u64, shape: [rows.count, 2], bytes: rows.flatMap(\.self).flatMap { [UInt8].number($0, 8) })
        let frame = RoleTensor(.frame, try bytes([1, 2, 3, 4]))
        return try lora(file("adapter_model.bin", parameters, [frame, RoleTensor(.splices, splices)]))
    }

    @Test("splices name each tensor once, ascend and fill the file")
    func splices() throws {
        #expect(try failure(spliced([[1, 0], [10, 1]], size: 20)) == nil)
        #expect(try failure(spliced([[0, 1], [8, 0]], size: 20)) == nil)
        for (rows, size) in [
            ([[1, 0], [10, 0]], 20), ([[1, 0], [1, 1]], 20), ([[10, 0], [1, 1]], 20), ([[1, 0], [8, 1]], 20),
            ([[5, 0], [13, 1]], 20), ([[1, 2]], 12), ([[1, .max]], 12), ([[.max, 1]], 12), ([[1 << 62, 1]], 12),
            ([[1, 0]], 20), ([[1, 0]], 11), ([[1, 0]], 3), ([[1, 0]], nil), ([[1, 0]], -1), ([[1, 0]], "12"),
        ] as [([[UInt64]], ParameterValue?)] {
            let failure = try failure(spliced(rows, size: size))
            #expect(failure?.code == .badParameter && failure?.object == "adapter_model.bin", "\(rows)")
        }
    }

    @Test("files must not get in each other's way, nor in that of those made anew")
    func collisions() throws {
        let plain: Parameters = ["layout": "safetensors"]
        let frame = [RoleTensor(.frame, try bytes([1, 2, 3, 4]))]
        let spliced: Parameters = ["layout": "splice", "size": 4]
        for files in [
            [file("adapter_model.safetensors")], [file("README.md"), file("README.md", ordinal: 1)],
            [file("adapter_config.json", spliced, frame)], [file("x", spliced, frame), file("x", ordinal: 1)],
            [file("adapter_model.safetensors", plain), file("adapter_model.safetensors", ordinal: 1)],
        ] {
            var adapter = try lora()
            adapter.entries += files
            #expect(try failure(adapter)?.code == .duplicate, "\(files.map(\.key.description))")
        }
        let two = try lora(file("adapter_model.bin", spliced, frame), file("adapter_model.safetensors", plain))
        #expect(try failure(two)?.code == .kindShape)
        #expect(try failure(lora(file("adapter_model.safetensors", plain), file("README.md"))) == nil)
        let ignored = try lora(file("adapter_config.json"), file("adapter_model.bin", spliced, frame))
        #expect(try failure(ignored, ignoringOriginal: true) == nil)
    }

    /// Bytes that nobody may ask for.
    private struct Unread: TensorSource {
        var dtype = DType.u8
        let byteCount: Int
        var shape: Shape { [byteCount] }

        func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
            throw Failure(.internal, "read all the same")
        }
    }

    @Test("what is read whole is not read where it is too large")
    func large() throws {
        let huge = Unread(byteCount: 1 << 40)
        let layouts: [AdapterEntry] = [
            file("adapter_config.json", [:], [RoleTensor(.value, huge)]),
            file("adapter_model.safetensors", ["layout": "safetensors"], [RoleTensor(.frame, huge)]),
            file(
                "adapter_model.bin", ["layout": "splice", "size": 20],
                [RoleTensor(.frame, try bytes([1, 2, 3, 4])), RoleTensor(.splices, huge)]),
        ]
        for entry in layouts {
            let failure = try failure(lora(entry))
            #expect(failure?.code == .tooLarge && failure?.object == entry.key.target)
        }
        #expect(try failure(spliced([[1, 0], [9, 1], [17, 0]], size: 20))?.code == .tooLarge)
    }
}
