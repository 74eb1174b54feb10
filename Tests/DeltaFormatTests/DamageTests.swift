import Adapters
import DeltaFormat
import Diagnostics
import Files
import Parallelism
import Support
import Tensors
import Testing

/// A small container, damaged in every way a transfer can: nothing passes at level full.
@Suite struct DamageTests {
    private func container(in folder: TemporaryFolder) throws -> [UInt8] {
        var random = RepeatableRandom(seed: 7)
        var adapter = Adapter(method: "lora", parameters: ["r": 2, "lora_alpha": 0.5])
        adapter.metadata = ["base": "tiny"]
        let floats = (0..<1500).flatMap { _ in
            let value = Float.random(in: -1...1, using: &random).bitPattern
            return (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        let a = try TensorBuffer(dtype: .f32, shape: [2, 750], bytes: floats)
        let b = try TensorBuffer(dtype: .bf16, shape: [3, 2], bytes: random.bytes(12))
        adapter.entries = [
            AdapterEntry(key: EntryKey("w", .lora), tensors: [RoleTensor(.a, a), RoleTensor(.b, b)]),
            AdapterEntry(
                key: EntryKey("noise", .file), tensors: [RoleTensor(.value, TensorBuffer(random.bytes(4200)))]),
        ]
        let output = try OutputFile.create(at: folder("good"), replacing: false, durability: .none)
        _ = try ContainerWriter(lanes: Lanes(count: 1)).write(adapter, to: output)
        try output.commit()
        return try contents(of: folder("good"))
    }

    private func verify(_ bytes: [UInt8], _ path: String) throws {
        let output = try OutputFile.create(at: path, replacing: true, durability: .none)
        try unsafe output.write(bytes.span.bytes)
        try output.commit()
        try Container(InputFile(path: path)).verify(.full, lanes: Lanes(count: 1))
    }

    @Test func everyFlippedBitIsFound() throws {
        let folder = try TemporaryFolder()
        let good = try container(in: folder)
        try verify(good, folder("x"))
        for place in good.indices {
            var bad = good
            bad[place] ^= 1 << UInt8(place % 8)
            #expect(throws: Failure.self, "byte \(place)") { try verify(bad, folder("x")) }
        }
    }

    @Test func everyTruncationIsFound() throws {
        let folder = try TemporaryFolder()
        let good = try container(in: folder)
        for count in good.indices {
            let error = #expect(throws: Failure.self) { try verify(Array(good[..<count]), folder("x")) }
            #expect(error?.code == .truncated, "cut to \(count)")
        }
    }

    @Test func whatFollowsOrPrecedesIsFound() throws {
        let folder = try TemporaryFolder()
        let good = try container(in: folder)
        #expect(throws: Failure.self) { try verify(good + [0], folder("x")) }
        let after = #expect(throws: Failure.self) { try verify(good + Array("PK".utf8), folder("x")) }
        #expect(after?.code == .trailingData)
        let before = #expect(throws: Failure.self) { try verify(Array("#!/bin/sh\n".utf8) + good, folder("x")) }
        #expect(before?.code == .notThisFormat)
        let text = #expect(throws: Failure.self) {
            try verify([0x89, 0x54, 0x4E, 0x4E, 0x0A] + good[5...], folder("x"))
        }
        #expect(text?.code == .textModeDamage)
    }
}
