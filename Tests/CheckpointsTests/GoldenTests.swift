import Checkpoints
import Diagnostics
import Tensors
import Testing

/// Headers that the reference library (0.8.0) wrote for the same tensors, byte for byte.
@Suite struct GoldenTests {
    private typealias Description = (name: String, dtype: DType, shape: Shape)

    private func check(
        _ tensors: [Description], _ metadata: [(key: String, value: String)]?, gives expected: String, data: Int
    ) throws {
        // Whatever the order in which they are given.
        for tensors in [tensors, tensors.reversed()] {
            let (bytes, order) = try SafetensorsWriter.headerBytes(tensors: tensors, metadata: metadata)
            #expect(String(decoding: bytes.dropFirst(8), as: UTF8.self) == expected)
            #expect(Array(bytes.prefix(8)) == prefix(UInt64(expected.utf8.count)))
            let header = try header(of: bytes + [UInt8](repeating: 0, count: data))
            #expect(header.tensors.map(\.name) == order.map { tensors[$0].name })
            #expect(header.tensors.map(\.dtype) == order.map { tensors[$0].dtype })
            #expect(header.tensors.map(\.shape) == order.map { tensors[$0].shape })
            #expect(header.offsetOrder == Array(tensors.indices))
        }
    }

    @Test func everyType() throws {
        let types: [DType] = [
            .bool, .f4, .u8, .i8, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .i16, .u16, .f16, .bf16, .i32,
            .u32,
            .f32, .c64, .f64, .i64, .u64,
        ]
        try check(
            types.map { ($0.name.lowercased(), $0, $0 == .f4 ? [4] : [2]) }, nil,
            gives: #"{"u64":{"dtype":"U64","shape":[2],"data_offsets":[0,16]},"#
                + #""i64":{"dtype":"I64","shape":[2],"data_offsets":[16,32]},"#
                + #""f64":{"dtype":"F64","shape":[2],"data_offsets":[32,48]},"#
                + #""c64":{"dtype":"C64","shape":[2],"data_offsets":[48,64]},"#
                + #""f32":{"dtype":"F32","shape":[2],"data_offsets":[64,72]},"#
                + #""u32":{"dtype":"U32","shape":[2],"data_offsets":[72,80]},"#
                + #""i32":{"dtype":"I32","shape":[2],"data_offsets":[80,88]},"#
                + #""bf16":{"dtype":"BF16","shape":[2],"data_offsets":[88,92]},"#
                + #""f16":{"dtype":"F16","shape":[2],"data_offsets":[92,96]},"#
                + #""u16":{"dtype":"U16","shape":[2],"data_offsets":[96,100]},"#
                + #""i16":{"dtype":"I16","shape":[2],"data_offsets":[100,104]},"#
                + #""f8_e5m2fnuz":{"dtype":"F8_E5M2FNUZ","shape":[2],"data_offsets":[104,106]},"#
                + #""f8_e4m3fnuz":{"dtype":"F8_E4M3FNUZ","shape":[2],"data_offsets":[106,108]},"#
                + #""f8_e8m0":{"dtype":"F8_E8M0","shape":[2],"data_offsets":[108,110]},"#
                + #""f8_e4m3":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[110,112]},"#
                + #""f8_e5m2":{"dtype":"F8_E5M2","shape":[2],"data_offsets":[112,114]},"#
                + #""i8":{"dtype":"I8","shape":[2],"data_offsets":[114,116]},"#
                + #""u8":{"dtype":"U8","shape":[2],"data_offsets":[116,118]},"#
                + #""f4":{"dtype":"F4","shape":[4],"data_offsets":[118,120]},"#
                + #""bool":{"dtype":"BOOL","shape":[2],"data_offsets":[120,122]}} "#,
            data: 122)
    }

    @Test func everyCharacter() throws {
        let strange = "quote\" back\\ tab\t nl\n nul\0 del\u{7F} c1\u{85} ls\u{2028} b\u{8} f\u{C} u\u{1F} /"
        let names = ["b.weight", "a.weight", "Z", "\u{E9}", "e\u{301}", "語😀", "", strange]
        try check(
            names.map { ($0, .f32, $0 == "Z" ? [] : [1]) }, [("format", "pt")],
            gives: #"{"__metadata__":{"format":"pt"},"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
                + #""Z":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"#
                + #""a.weight":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"#
                + #""b.weight":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"#
                + "\"e\u{301}\"" + #":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},"#
                + #""quote\" back\\ tab\t nl\n nul\u0000 del"# + "\u{7F} c1\u{85} ls\u{2028}"
                + #" b\b f\f u\u001f /":{"dtype":"F32","shape":[1],"data_offsets":[20,24]},"#
                + "\"\u{E9}\"" + #":{"dtype":"F32","shape":[1],"data_offsets":[24,28]},"#
                + #""語😀":{"dtype":"F32","shape":[1],"data_offsets":[28,32]}}    "#,
            data: 32)
    }

    @Test func emptyTensorsAndScalars() throws {
        try check(
            [("empty", .f32, [0]), ("flat", .bf16, [3, 0, 2]), ("scalar", .i64, []), ("x", .u8, [3])],
            [("é\n", "\u{1}\"ü")],
            gives: #"{"__metadata__":{"é\n":"\u0001\"ü"},"scalar":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"#
                + #""empty":{"dtype":"F32","shape":[0],"data_offsets":[8,8]},"#
                + #""flat":{"dtype":"BF16","shape":[3,0,2],"data_offsets":[8,8]},"#
                + #""x":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}      "#,
            data: 11)
    }

    @Test func nothing() throws {
        try check([], nil, gives: "{}      ", data: 0)
        // The library writes no valid JSON here (`{},"__metadata__":…`); ours is what it would mean.
        try check([], [], gives: #"{"__metadata__":{}}     "#, data: 0)
    }

    @Test func metadataKeepsItsOrder() throws {
        try check(
            [], [("z", "1"), ("a", "2")], gives: #"{"__metadata__":{"z":"1","a":"2"}}      "#, data: 0)
    }

    private struct Unwritable: Sendable {
        let what: String
        var name = "a"
        var dtype = DType.u8
        var shape: Shape = [1]
        var code = Failure.Code.baseInvalid
    }

    @Test(arguments: [
        Unwritable(what: "type of ours", dtype: .nf4, shape: [2]),
        Unwritable(what: "reserved name", name: "__metadata__"),
        Unwritable(what: "part of a byte", dtype: .f6e3m2),
        Unwritable(what: "too many elements", shape: [1 << 32, 1 << 32]),
        Unwritable(what: "too many bytes", shape: [.max]),
        Unwritable(what: "dimension below zero", shape: [-1]),
        Unwritable(what: "too many dimensions", shape: Shape([Int](repeating: 1, count: 65))),
        Unwritable(what: "same name", name: "b", code: .jsonDuplicate),
    ])
    private func refusesToWrite(_ tensor: Unwritable) {
        let found = #expect(throws: Failure.self) {
            try SafetensorsWriter.headerBytes(
                tensors: [("b", .u8, [1]), (tensor.name, tensor.dtype, tensor.shape)], metadata: nil)
        }
        #expect(found?.code == tensor.code, "\(tensor.what)")
        #expect(found?.object == tensor.name, "\(tensor.what)")
    }

    @Test func refusesMetadataTwice() {
        let found = #expect(throws: Failure.self) {
            try SafetensorsWriter.headerBytes(tensors: [], metadata: [("k", "1"), ("k", "1")])
        }
        #expect(found?.code == .jsonDuplicate)
    }
}
