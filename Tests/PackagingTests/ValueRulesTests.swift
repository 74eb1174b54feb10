import Adapters
import Diagnostics
import Packaging
import Tensors
import Testing

@Suite("Rules of values")
struct ValueRulesTests {
    private func adapter(
        _ kind: Kind, _ parameters: Parameters = [:], _ tensors: [(Role, DType, Shape, [UInt8])]
    ) throws -> Adapter {
        var list: [RoleTensor] = []
        for (role, dtype, shape, bytes) in tensors {
            list.append(RoleTensor(role, try TensorBuffer(dtype: dtype, shape: shape, bytes: bytes)))
        }
        return Adapter(
            method: "shira", entries: [AdapterEntry(key: EntryKey("t.weight", kind), parameters: parameters, tensors: list)])
    }

    private func code(_ adapter: Adapter) -> Failure.Code? {
        do throws(Failure) {
            try ValueRules.check(adapter)
            return nil
        } catch {
            #expect(error.object == "\(adapter.entries[0].key)")
            return error.code
        }
    }

    @Test(
        "indices ascend below the size",
        arguments: [
            ([0, 1, 2], nil), ([0, 5, 9], nil), ([9], nil), ([10], .sparseIndex), ([1, 1], .sparseIndex),
            ([2, 1], .sparseIndex),
        ] as [([UInt32], Failure.Code?)])
    func sparse(indices: [UInt32], expected: Failure.Code?) throws {
        let bytes = indices.flatMap { index in (0..<4).map { UInt8(truncatingIfNeeded: index >> ($0 * 8)) } }
        let adapter = try adapter(
            .sparse, ["elements": .int(10)],
            [(.indices, .u32, [indices.count], bytes), (.value, .u8, [indices.count], indices.map { _ in 1 })])
        #expect(code(adapter) == expected)
    }

    @Test(
        "a mask has as many bits as there are values, and none after its end",
        arguments: [
            ([0b0000_0111, 0b01], 4, nil), ([0b0000_0111, 0b01], 3, .maskCount), ([0, 0], 0, nil),
            ([0b0000_0111, 0b1001], 5, .maskCount),
        ] as [([UInt8], Int, Failure.Code?)])
    func mask(bytes: [UInt8], values: Int, expected: Failure.Code?) throws {
        let adapter = try adapter(
            .mask, [:],
            [(.bitmap, .bit, [10], bytes), (.value, .u8, [values], [UInt8](repeating: 1, count: values))])
        #expect(code(adapter) == expected)
    }

    @Test(
        "what is not finite is found in every type",
        arguments: [
            (.f32, [0, 0, 0x80, 0x7F, 0, 0, 0x80, 0x3F], 1), (.f32, [0, 0, 0xC0, 0xFF, 1, 0, 0x80, 0x7F], 2),
            (.bf16, [0x80, 0x7F, 0x80, 0x3F], 1), (.f16, [0, 0x7C, 0, 0x7B], 1), (.f16, [1, 0xFC, 0, 0xFC], 2),
            (.f64, [0, 0, 0, 0, 0, 0, 0xF0, 0x7F], 1), (.f64, [0, 0, 0, 0, 0, 0, 0xEF, 0x7F], 0), (.u8, [0xFF, 0xFF], 0),
        ] as [(DType, [UInt8], Int)])
    func finite(dtype: DType, bytes: [UInt8], count: Int) throws {
        let adapter = try adapter(.full, [:], [(.value, dtype, [bytes.count * 8 / dtype.bits], bytes)])
        let findings = try ValueRules.nonFinite(in: adapter)
        #expect(findings.map(\.code) == (count == 0 ? [] : ["not-finite"]))
        if count > 0 { #expect(findings[0].message.hasPrefix("\(count) values")) }
    }
}
