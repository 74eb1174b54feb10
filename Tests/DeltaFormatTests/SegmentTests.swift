import Adapters
import CKernels
import DeltaFormat
import Diagnostics
import Files
import Parallelism
import Support
import Tensors
import Testing

/// Tensors in segments, and the codec that is theirs.
@Suite struct SegmentTests {
    /// A tensor whose windows fall into segments, given by their bytes.
    private struct Segmented: TensorSource {
        let dtype: DType
        let shape: Shape
        let windows: [(bytes: [UInt8], ends: [Int])]

        init(_ dtype: DType, _ windows: [(bytes: [UInt8], ends: [Int])]) {
            self.dtype = dtype
            self.windows = windows
            shape = [windows.reduce(0) { $0 + $1.bytes.count } * 8 / dtype.bits]
        }

        var byteCount: Int { windows.reduce(0) { $0 + $1.bytes.count } }
        var isSegmented: Bool { true }

        func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
            let all = windows.flatMap(\.bytes)[offset..<offset + target.byteCount]
            unsafe target.copy(from: Array(all).span.bytes)
        }

        func readSegments(at offset: Int, into target: inout MutableRawSpan) throws(Failure) -> [Int] {
            try read(at: offset, into: &target)
            return windows[offset / blockByteCount].ends
        }
    }

    /// The exact difference of gaussian bf16 weights and what a small gaussian change made of them.
    private static func gaussian(_ elements: Int) -> Segmented {
        var random = RepeatableRandom(seed: 11)
        func normal() -> Float {
            // The sum of twelve uniform numbers has the variance 1.
            (0..<12).reduce(-6 as Float) { sum, _ in sum + Float(random.next() >> 40) / Float(1 << 24) }
        }
        func rounded(_ value: Float) -> UInt16 {
            let bits = value.bitPattern
            return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
        }
        let base = (0..<elements).map { _ in rounded(normal() * 0.02) }
        let tuned = base.map { rounded(Float(bitPattern: UInt32($0) << 16) + normal() * 2e-4) }
        var differences = [UInt16](repeating: 0, count: elements)
        var counts = [UInt32](repeating: 0, count: 256)
        unsafe tenon_exact_encode(Int32(TENON_BF16), base, tuned, elements, &differences, &counts)
        var ends: [Int] = []
        for count in counts where count > 0 { ends.append((ends.last ?? 0) + Int(count)) }
        let bytes = differences.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        return Segmented(.u16, [(bytes, ends)])
    }

    private func adapter(_ sources: [any TensorSource]) -> Adapter {
        let entries = sources.enumerated().map { number, source in
            AdapterEntry(key: EntryKey("w\(number)", .exact), tensors: [RoleTensor(.value, source)])
        }
        return Adapter(method: "delta", entries: entries)
    }

    private func written(
        _ adapter: Adapter, _ folder: TemporaryFolder, _ compression: Compression, lanes: Int = 2
    ) throws -> Container {
        let path = folder.path + "/\(compression.rawValue)-\(lanes)"
        let output = try OutputFile.create(at: path, replacing: true)
        _ = try ContainerWriter(compression: compression, lanes: Lanes(count: lanes)).write(adapter, to: output)
        try output.commit()
        let container = try Container(InputFile(path: path))
        try container.verify(.full, lanes: Lanes(count: lanes))
        return container
    }

    private func dataBytes(_ container: Container) -> Int {
        container.index.planes.reduce(0) { $0 + $1.storedBytes }
    }

    @Test("the difference of gaussian weights comes near its entropy")
    func sizes() throws {
        let folder = try TemporaryFolder()
        let source = Self.gaussian(1 << 19)
        let adapter = adapter([source])
        let expected = try source.readAll()
        for (compression, share) in [(Compression.fast, 0.252), (.standard, 0.252), (.max, 0.2445)] {
            let container = try written(adapter, folder, compression)
            #expect(Double(dataBytes(container)) / Double(expected.count) < share, "\(compression)")
            #expect(try container.source(0).readAll() == expected)
            let isCoded = container.index.planes.contains { $0.codec == .entropy }
            #expect(isCoded == (compression == .max))
        }
    }

    @Test("bytes do not depend on the number of lanes")
    func lanes() throws {
        let folder = try TemporaryFolder()
        let adapter = adapter((0..<5).map { Self.gaussian(20_000 + 1000 * $0) })
        let files = try (1...3).map { try written(adapter, folder, .max, lanes: $0).file }
        let contents = try files.map { try $0.read(at: 0, count: $0.size) }
        #expect(contents[1] == contents[0] && contents[2] == contents[0])
    }

    @Test("planes of any length and any segments come back")
    func shapes() throws {
        let folder = try TemporaryFolder()
        var random = RepeatableRandom(seed: 5)
        var sources: [Segmented] = []
        for length in [1, 2, 17, 40, 1023, 1024, 1025, 2047, 2048, 5000, 70_001] {
            for skew in 0..<4 {
                let noise = random.bytes(length)
                let start = Int(random.next() % UInt64(length)), other = UInt8(skew * 3)
                let bytes = noise.enumerated().map { place, byte in
                    switch (skew, place < start) {
                    case (0, _): byte
                    case (1, true): byte & byte >> 3
                    case (_, true): byte >> 6
                    case (3, false): UInt8(place % 2)
                    default: other
                    }
                }
                let ends = [start, length / 2, length].sorted()
                sources.append(Segmented(.u8, [(bytes, ends)]))
            }
        }
        let container = try written(adapter(sources), folder, .max)
        let found = Set(container.index.planes.map(\.codec))
        #expect(found.contains(.entropy) && found.contains(.raw))
        let byName = Dictionary(uniqueKeysWithValues: container.adapter.entries.map { ($0.key.target, $0) })
        for (number, source) in sources.enumerated() {
            #expect(try byName["w\(number)"]?[.value]?.readAll() == source.readAll(), "\(number)")
        }
    }

    @Test("plain exponents gain by it, and only where it is the smallest")
    func plainPlanes() throws {
        let folder = try TemporaryFolder()
        var random = RepeatableRandom(seed: 6)
        let floats = (0..<100_000).flatMap { place in
            let scale: Float = place < 50_000 ? 1 : 1e-3
            let value = Float(Int64(bitPattern: random.next()) >> 11) / Float(1 << 52) * scale
            return [UInt8(value.bitPattern >> 16 & 0xFF), UInt8(value.bitPattern >> 24)]
        }
        let text = (0..<100_000).flatMap { Array("line \($0 / 100)\n".utf8) }.prefix(200_000)
        var adapter = Adapter(method: "full")
        adapter.entries = [
            AdapterEntry(
                key: EntryKey("a", .full),
                tensors: [RoleTensor(.value, try TensorBuffer(dtype: .bf16, shape: [100_000], bytes: floats))]),
            AdapterEntry(key: EntryKey("b", .full), tensors: [RoleTensor(.value, TensorBuffer(Array(text)))]),
        ]
        let container = try written(adapter, folder, .max)
        #expect(container.index.planes.map(\.codec) == [.entropy, .raw, .zstd])
    }
}
