import Checkpoints
import Diagnostics
import Tensors
import Testing

@Suite struct HeaderTests {
    @Test func keepsEveryOrder() throws {
        let text =
            #"{"z":{"data_offsets":[4,6],"dtype":"U8","shape":[2]},"__metadata__":{"z":"1","a":"\n2"},"#
            + #""y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"BOOL","shape":[0],"data_offsets":[6,6]}}  "#
        let bytes = file(text, data: 6)
        let header = try header(of: bytes)
        #expect(header.bytes == Array(bytes.dropLast(6)))
        #expect(header.byteCount == 8 + text.utf8.count)
        #expect(header.fileByteCount == bytes.count)
        #expect(header.tensors.map(\.name) == ["z", "y", "x"])
        #expect(header.offsetOrder == [1, 0, 2])
        #expect(header.metadata?.map(\.key) == ["z", "a"])
        #expect(header.metadata?.map(\.value) == ["1", "\n2"])
        #expect(header.tensors[0].range == header.byteCount + 4..<header.byteCount + 6)
        #expect(header.tensors[1].dtype == .f32)
        #expect(header.tensors[1].shape == [1])
        #expect(header.tensors[2].byteCount == 0)
        #expect(header.index(of: "y") == 1)
        #expect(header.index(of: "Y") == nil)
    }

    @Test(arguments: [
        ("{}", 0), ("{}      ", 0), ("{ }", 0), ("{\n\t}", 0), (#"{"__metadata__":{}}"#, 0),
        (
            #"{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"":{"dtype":"U8","shape":[0,9],"data_offsets":[0,0]}}"#,
            1
        ),
        (#"{ "a" : { "shape" : [ 1 ] , "dtype" : "U8" , "data_offsets" : [ 0 , 1 ] } }"#, 1),
        (#"{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}"#, 1),
        (#"{"\u0061":{"dtype":"F8_\u00454M3","sh\u0061pe":[1],"data_offsets":[0,1]}}"#, 1),
    ])
    func accepts(_ text: String, _ data: Int) throws {
        let header = try header(of: file(text, data: data))
        #expect(header.bytes.count == 8 + text.utf8.count)
        #expect(header.fileByteCount == 8 + text.utf8.count + data)
    }

    /// Names that look the same are two tensors.
    @Test func namesAreComparedByTheirBytes() throws {
        let text =
            #"{"\u00e9":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"e\u0301":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#
        let header = try header(of: file(text, data: 2))
        #expect(header.index(of: "\u{E9}") == 0)
        #expect(header.index(of: "e\u{301}") == 1)
    }

    @Test(arguments: DType.allCases.filter { $0 != .nf4 && $0 != .bit })
    func knowsEveryType(_ dtype: DType) throws {
        let text = #"{"a":{"dtype":"\#(dtype.name)","shape":[4,2],"data_offsets":[0,\#(dtype.bits)]}}"#
        let header = try header(of: file(text, data: dtype.bits))
        #expect(header.tensors[0].dtype == dtype)
        #expect(header.tensors[0].byteCount == dtype.bits)
    }

    /// A header of ten thousand tensors in reverse order, of which most are empty.
    @Test func manyTensorsAtOneOffset() throws {
        let entries = (0..<10_000).reversed().map { index in
            #""t\#(index)":{"dtype":"U8","shape":[\#(index % 100 == 0 ? 1 : 0)],"data_offsets":[\#((index + 99) / 100),\#(index / 100 + 1)]}"#
        }
        let header = try header(of: file("{" + entries.joined(separator: ",") + "}", data: 100))
        #expect(header.tensors.count == 10_000)
        #expect(header.tensors[header.offsetOrder[9_999]].range.upperBound == header.fileByteCount)
    }

    @Test func bytesMustBeTheHeaderAlone() {
        #expect(throws: Failure.self) { try SafetensorsHeader(parsing: file("{}", data: 1), fileByteCount: 11) }
        #expect(throws: Failure.self) { try SafetensorsHeader(parsing: prefix(2), fileByteCount: 10) }
    }
}
