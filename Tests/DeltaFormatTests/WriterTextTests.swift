import Adapters
import DeltaFormat
import Diagnostics
import Files
import Parallelism
import Support
import Tensors
import Testing

/// Texts that a writer must keep apart, or cannot hold.
@Suite struct WriterTextTests {
    private func copy(_ adapter: Adapter) throws -> Adapter {
        let folder = try TemporaryFolder()
        let path = folder.path + "/x.tenon"
        let output = try OutputFile.create(at: path, replacing: true)
        _ = try ContainerWriter(lanes: Lanes(count: 1)).write(adapter, to: output)
        try output.commit()
        return try Container(InputFile(path: path)).adapter
    }

    @Test func parametersThatDifferOnlyInTheirBytesStayApart() throws {
        let spellings = ["\u{E9}", "e\u{301}"]
        var adapter = Adapter(method: "made-up")
        for (number, spelling) in spellings.enumerated() {
            let key = EntryKey("layer.\(number)", Kind(rawValue: 9999))
            adapter.entries.append(
                AdapterEntry(
                    key: key, parameters: ["x": .string(spelling)], tensors: [RoleTensor(.value, TensorBuffer([1]))]))
        }
        let found = try copy(adapter).entries.map { Array(($0.parameters["x"]?.string ?? "").utf8) }
        #expect(found == spellings.map { Array($0.utf8) })
    }

    @Test func textsAreRefusedAboveWhatALengthCanSay() throws {
        var adapter = Adapter(method: "made-up")
        adapter.metadata = ["base": String(repeating: "x", count: 65_535)]
        #expect(try copy(adapter).metadata == adapter.metadata)
        adapter.metadata = ["base": String(repeating: "x", count: 65_536)]
        let error = #expect(throws: Failure.self) { try copy(adapter) }
        #expect(error?.code == .limit)
    }
}
