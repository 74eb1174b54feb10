import Adapters
import DeltaFormat
import Diagnostics
import Files
import Parallelism
import Support
import Tensors
import Testing

/// Containers that hold together as files, and whose deltas do not: the tool refuses them and writes nothing.
@Suite("Hostile deltas")
struct HostileDeltaTests {
    /// What a delta says, of a base with `w` BF16 [4, 3] and `v` U8 [5], and how it is refused.
    struct Case: Sendable, CustomStringConvertible {
        let description: String
        var isLossless = false
        let entries: @Sendable () throws(Failure) -> [AdapterEntry]
    }

    private static func tensor(_ dtype: DType, _ shape: [Int], _ byte: UInt8 = 1) throws(Failure) -> TensorBuffer {
        let shape = Shape(shape)
        return try TensorBuffer(
            dtype: dtype, shape: shape, bytes: [UInt8](repeating: byte, count: try shape.byteCount(dtype)))
    }

    private static func exact(_ target: String, _ dtype: DType, _ shape: [Int]) throws(Failure) -> AdapterEntry {
        AdapterEntry(key: EntryKey(target, .exact), tensors: [RoleTensor(.value, try tensor(dtype, shape))])
    }

    private static func full(_ target: String, kind: Kind = .full, _ shape: [Int] = [4, 3]) throws(Failure)
        -> AdapterEntry
    {
        AdapterEntry(key: EntryKey(target, kind), tensors: [RoleTensor(.value, try tensor(.bf16, shape))])
    }

    private static func few(
        _ gaps: [UInt8], _ values: Int, counts: [UInt8], dtype: DType = .u16, mode: String? = nil
    ) throws(Failure) -> AdapterEntry {
        var parameters: Parameters = ["places": "gaps", "elements": 12]
        if let mode { parameters["mode"] = .string(mode) }
        return AdapterEntry(
            key: EntryKey("w", .sparse), parameters: parameters,
            tensors: [
                RoleTensor(.indices, TensorBuffer(gaps)), RoleTensor(.value, try tensor(dtype, [values])),
                RoleTensor(
                    .counts,
                    try TensorBuffer(
                        dtype: .u32, shape: [counts.count / 2, 2], bytes: counts.flatMap { [$0, 0, 0, 0] })),
            ])
    }

    private static func file(_ name: String, header: String, data: Int) -> AdapterEntry {
        let text = Array(header.utf8)
        let frame = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) } + text
        return AdapterEntry(
            key: EntryKey(name, .file),
            parameters: ["layout": "checkpoint", "size": .int(Int64(frame.count + data))],
            tensors: [RoleTensor(.frame, TensorBuffer(frame))])
    }

    private static let header =
        #"{"v":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"w":{"dtype":"BF16","shape":[4,3],"data_offsets":[5,29]}}"#
    private static let headerOfV = #"{"v":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}"#

    static let cases: [Case] = [
        Case(description: "a difference of another type") { () throws(Failure) in [try exact("w", .u8, [4, 6])] },
        Case(description: "a difference of another size") { () throws(Failure) in
            [try exact("w", .u16, [4, 2])]
        },
        Case(description: "a difference of nothing") { () throws(Failure) in [try exact("x", .u16, [4, 3])] },
        Case(description: "gaps beyond the tensor") { () throws(Failure) in
            [try few([200], 1, counts: [1, 1])]
        },
        Case(description: "gaps beyond the tensor by one") { () throws(Failure) in
            [try few([11, 0], 2, counts: [2, 2], mode: "difference")]
        },
        Case(description: "a place for which there is no value") { () throws(Failure) in
            [try few([3, 0], 1, counts: [1, 2])]
        },
        Case(description: "a gap without its end") { () throws(Failure) in
            [try few([3, 255], 1, counts: [1, 2], dtype: .bf16, mode: "replace")]
        },
        Case(description: "counts of other streams") { () throws(Failure) in
            [try few([3, 4], 2, counts: [1, 1])]
        },
        Case(description: "counts of more windows") { () throws(Failure) in
            [try few([3, 4], 2, counts: [1, 1, 1, 1])]
        },
        Case(description: "new elements of another type") { () throws(Failure) in
            [try few([3, 4], 2, counts: [2, 2], dtype: .f16, mode: "replace")]
        },
        Case(description: "rows of other columns") { () throws(Failure) in
            [try full("w", kind: .extend, [2, 4])]
        },
        Case(description: "rows for nothing") { () throws(Failure) in [try full("x", kind: .extend)] },
        Case(description: "the removal of nothing") { () throws(Failure) in
            [AdapterEntry(key: EntryKey("x", .removed), tensors: [])]
        },
        Case(description: "an alias of nothing") { () throws(Failure) in
            [AdapterEntry(key: EntryKey("x", .alias), parameters: ["of": "y"], tensors: [])]
        },
        Case(description: "an alias of itself") { () throws(Failure) in
            [AdapterEntry(key: EntryKey("x", .alias), parameters: ["of": "x"], tensors: [])]
        },
        Case(description: "an alias of an alias") { () throws(Failure) in
            [
                AdapterEntry(key: EntryKey("x", .alias), parameters: ["of": "y"], tensors: []),
                AdapterEntry(key: EntryKey("y", .alias), parameters: ["of": "w"], tensors: []),
            ]
        },
        Case(description: "a tensor that is new and changed") { () throws(Failure) in
            [try exact("w", .u16, [4, 3]), try full("w")]
        },
        Case(description: "a tensor that is removed and extended") { () throws(Failure) in
            [AdapterEntry(key: EntryKey("w", .removed), tensors: []), try full("w", kind: .extend, [1, 3])]
        },
        Case(description: "a tensor that is changed twice") { () throws(Failure) in
            [try exact("w", .u16, [4, 3]), try few([3], 1, counts: [1, 1])]
        },
        Case(description: "a file above the output", isLossless: true) { () throws(Failure) in
            [
                file("model.safetensors", header: header, data: 29),
                AdapterEntry(key: EntryKey("../evil", .file), tensors: [RoleTensor(.value, TensorBuffer([1]))]),
            ]
        },
        Case(description: "a file of the system", isLossless: true) { () throws(Failure) in
            [
                file("model.safetensors", header: header, data: 29),
                AdapterEntry(key: EntryKey("/tmp/evil", .file), tensors: [RoleTensor(.value, TensorBuffer([1]))]),
            ]
        },
        Case(description: "weights above the output", isLossless: true) { () throws(Failure) in
            [file("../model.safetensors", header: header, data: 29)]
        },
        Case(description: "a file from above the base", isLossless: true) { () throws(Failure) in
            [
                file("model.safetensors", header: header, data: 29),
                AdapterEntry(
                    key: EntryKey("stolen", .file), parameters: ["layout": "base", "from": "../secret"], tensors: []),
            ]
        },
        Case(description: "a file that lacks a tensor", isLossless: true) { () throws(Failure) in
            [file("model.safetensors", header: headerOfV, data: 5)]
        },
        Case(description: "a tensor in two files", isLossless: true) { () throws(Failure) in
            [file("a.safetensors", header: header, data: 29), file("b.safetensors", header: headerOfV, data: 5)]
        },
        Case(description: "a header that ends elsewhere", isLossless: true) { () throws(Failure) in
            [file("model.safetensors", header: header, data: 31)]
        },
        Case(description: "another result than is promised", isLossless: true) { () throws(Failure) in
            [file("model.safetensors", header: header, data: 29)]
        },
    ]

    private func write(_ test: Case, to path: String) throws(Failure) {
        let file = try OutputFile.create(at: path, replacing: true, durability: .none)
        _ = try ContainerWriter(lanes: Lanes(count: 1)).write(adapter(test), to: file)
        try file.commit()
    }

    private func adapter(_ test: Case) throws(Failure) -> Adapter {
        var adapter = Adapter(method: "delta", entries: try test.entries())
        if test.isLossless { adapter.parameters["result_root"] = .string(String(repeating: "0", count: 64)) }
        return adapter
    }

    @Test("are refused, and nothing is written", arguments: cases)
    func refused(test: Case) throws {
        try inFolder { place in
            var base = TinyModel()
            base["v"] = .init(dtype: "U8", shape: [5], bytes: [1, 2, 3, 4, 5])
            base["w"] = .init(dtype: "BF16", shape: [4, 3], bytes: [UInt8](repeating: 0x3C, count: 24))
            try base.write(to: place("base"))
            try place.write([1], to: "secret")
            do throws(Failure) {
                try write(test, to: place("d.tenon"))
            } catch {
                // Then no reader takes it either.
                #expect(error.code.status == .malformed, "\(error)")
                return
            }
            for check in ["strict", "off"] {
                let run = try runTool([
                    "apply", place("d.tenon"), "--base", place("base"), "-o", place("out"), "--base-check", check,
                ])
                #expect(run.status == 65, "\(run.output)\(run.errors)")
            }
            #expect(try place.names() == ["base", "d.tenon", "secret"])
        }
    }
}
