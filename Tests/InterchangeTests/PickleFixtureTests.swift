import Diagnostics
import Files
import Support
import Tensors
import Testing

import Interchange

/// What torch itself wrote, against what torch itself reads from it.
@Suite struct PickleFixtureTests {
    static let folder = Paths.joined(
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/"),
        "Fixtures/pickle")

    static func file(_ name: String) throws -> TorchFile {
        try TorchFile(InputFile(path: Paths.joined(folder, name)))
    }

    struct Line {
        var file, name, type, shape, layout, bytes: String
    }

    static func expected() throws -> [Line] {
        let text = String(decoding: try contents(of: Paths.joined(folder, "expected.tsv")), as: UTF8.self)
        return text.split(separator: "\n").map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            return Line(
                file: fields[0], name: fields[1], type: fields[2], shape: fields[3], layout: fields[4],
                bytes: fields[5])
        }
    }

    static let types: [String: DType] = [
        "float64": .f64, "float32": .f32, "float16": .f16, "bfloat16": .bf16, "int64": .i64, "int32": .i32,
        "int16": .i16, "int8": .i8, "uint8": .u8, "bool": .bool, "complex64": .c64, "uint16": .u16, "uint64": .u64,
        "float8_e4m3fn": .f8e4m3, "float8_e5m2": .f8e5m2,
    ]

    @Test func tensorsAreThoseThatTorchLoads() throws {
        let lines = try Self.expected()
        let files = Set(lines.map(\.file))
        #expect(files.count == 5)
        for name in files {
            let tensors = try Self.file(name).tensors
            let wanted = lines.filter { $0.file == name }
            #expect(tensors.map(\.name) == wanted.map(\.name))
            for (tensor, line) in zip(tensors, wanted) {
                let source = tensor.source
                #expect(source.dtype == Self.types[line.type])
                #expect(source.shape.dimensions.map(String.init).joined(separator: ",") == line.shape)
                let bytes = try source.readAll()
                #expect(hex(bytes) == line.bytes, "\(name): \(line.name)")
                #expect((source.fileRange != nil) == (line.layout == "dense"), "\(name): \(line.name)")
                for start in 0...bytes.count {
                    let count = (bytes.count - start) / 2
                    #expect(try source.read(at: start, count: count) == Array(bytes[start..<start + count]))
                }
            }
        }
    }

    @Test func whatSharesAStorageIsMarked() throws {
        let shared = try Self.file("views.bin").tensors.filter(\.sharesStorage).map(\.name)
        #expect(shared == ["whole", "transposed", "rows", "columns"])
    }

    @Test func theRangeInTheFileIsTheTensor() throws {
        let path = Paths.joined(Self.folder, "adapter-2.bin")
        let all = try contents(of: path)
        for tensor in try Self.file("adapter-2.bin").tensors {
            let range = try #require(tensor.source.fileRange)
            #expect(range.lowerBound % 64 == 0)
            #expect(try Array(all[range]) == tensor.source.readAll())
        }
    }

    @Test func otherFilesOfTorchAreRefused() throws {
        let legacy = #expect(throws: Failure.self) { try Self.file("legacy.bin") }
        #expect(legacy?.code == .pickleRefused && legacy?.hints.isEmpty == false)
        let mixed = #expect(throws: Failure.self) { try Self.file("mixed.bin") }
        #expect(mixed?.code == .pickleRefused && mixed?.object == "r")
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
