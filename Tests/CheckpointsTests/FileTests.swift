import Checkpoints
import Diagnostics
import Files
import Parallelism
import Support
import Synchronization
import Tensors
import Testing

/// Remembers what it was shown.
private final class Recorder: BlockObserver {
    let seen = Mutex<[TensorBlock: [UInt8]]>([:])

    func observe(_ group: BlockGroup, bytes: RawSpan) {
        var start = 0
        for block in group.blocks {
            let part = bytes.extracting(start..<start + block.count)
            let copy = unsafe part.withUnsafeBytes { unsafe Array($0) }
            let previous = seen.withLock { $0.updateValue(copy, forKey: block) }
            #expect(previous == nil)
            start += block.count
        }
        #expect(start == bytes.byteCount)
    }
}

/// Fails after so many bytes.
private struct FailingSource: TensorSource {
    let dtype = DType.u8
    let shape: Shape
    let byteCount: Int
    let failsAt: Int

    init(byteCount: Int, failsAt: Int) {
        self.byteCount = byteCount
        self.failsAt = failsAt
        shape = [byteCount]
    }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        if offset + target.byteCount > failsAt { throw Failure(.inputOutput, "told to fail") }
    }
}

@Suite struct FileTests {
    /// Tensors of every type and many sizes, some empty, one scalar, one of three blocks.
    private static func tensors(_ random: inout RepeatableRandom) throws -> [(name: String, tensor: TensorBuffer)] {
        var tensors: [(name: String, tensor: TensorBuffer)] = []
        func add(_ dtype: DType, _ shape: Shape) throws {
            let bytes = random.bytes(try shape.byteCount(dtype))
            tensors.append(
                ("t\(tensors.count).\(dtype.name)", try TensorBuffer(dtype: dtype, shape: shape, bytes: bytes)))
        }
        for dtype in DType.allCases where dtype != .nf4 && dtype != .bit {
            try add(dtype, [4, 2])
            try add(dtype, [0, 3])
            try add(dtype, [16, .random(in: 1...200, using: &random)])
        }
        try add(.f32, [])
        try add(.bf16, [1100, 1100])
        return tensors
    }

    private static func write(
        _ tensors: [(name: String, tensor: TensorBuffer)], to path: String, lanes: Int, _ observer: Recorder? = nil
    ) throws -> [Int] {
        let (bytes, order) = try SafetensorsWriter.headerBytes(
            tensors: tensors.map { ($0.name, $0.tensor.dtype, $0.tensor.shape) }, metadata: [("format", "pt")])
        let file = try OutputFile.create(at: path, replacing: true, durability: .none)
        try SafetensorsWriter.write(
            header: bytes, sources: order.map { tensors[$0].tensor }, to: file, lanes: Lanes(count: lanes),
            observer: observer)
        try file.commit()
        return order
    }

    @Test(arguments: [1, 2, 5])
    func roundTrip(lanes: Int) throws {
        let folder = try TemporaryFolder()
        var random = RepeatableRandom(seed: 3)
        let tensors = try Self.tensors(&random)
        let recorder = Recorder()
        let path = folder("model.safetensors")
        let order = try Self.write(tensors, to: path, lanes: lanes, recorder)

        let file = try SafetensorsFile(InputFile(path: path))
        #expect(file.tensors.count == tensors.count)
        #expect(file.header.metadata?.first?.value == "pt")
        for (place, index) in order.enumerated() {
            let (name, tensor) = tensors[index]
            let source = try #require(file.source(named: name))
            #expect(source.tensor.name == name)
            #expect(source.dtype == tensor.dtype)
            #expect(source.shape == tensor.shape)
            #expect(source.byteCount == tensor.byteCount)
            #expect(try source.readAll() == tensor.bytes)
            let blocks = recorder.seen.withLock { seen in
                seen.filter { $0.key.tensor == place }.sorted { $0.key.offset < $1.key.offset }.flatMap(\.value)
            }
            #expect(blocks == tensor.bytes)
        }
        #expect(file.source(named: "none") == nil)

        // A copy through the file's own sources is the same file.
        let copy = try OutputFile.create(at: folder("copy.safetensors"), replacing: false, durability: .none)
        try SafetensorsWriter.write(
            header: file.header.bytes, sources: file.header.offsetOrder.map(file.source(at:)), to: copy,
            lanes: Lanes(count: lanes))
        try copy.commit()
        #expect(try contents(of: folder("copy.safetensors")) == contents(of: path))
    }

    @Test func readsPieces() throws {
        let folder = try TemporaryFolder()
        let text =
            #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}"#
        let path = try folder.write(Array(file(text, data: 5).dropLast(5)) + [1, 2, 3, 4, 5], to: "x.safetensors")
        let file = try SafetensorsFile(InputFile(path: path))
        let source = file.source(at: 0)
        #expect(try source.read(at: 1, count: 2) == [2, 3])
        #expect(try source.read(at: 3, count: 0) == [])
        #expect(try file.source(at: 1).readAll() == [4, 5])
        for (offset, count) in [(2, 2), (4, 0), (-1, 1), (Int.max, 1)] {
            #expect(throws: Failure.self) { try source.read(at: offset, count: count) }
        }
    }

    @Test func fileOfNothing() throws {
        let folder = try TemporaryFolder()
        _ = try Self.write([], to: folder("x"), lanes: 2)
        #expect(try SafetensorsFile(InputFile(path: folder("x"))).tensors.isEmpty)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 20, 61])
    func truncatedFiles(count: Int) throws {
        let folder = try TemporaryFolder()
        let whole = file(#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: 1)
        let path = try folder.write(Array(whole[..<count]), to: "x.safetensors")
        let found = #expect(throws: Failure.self) { try SafetensorsFile(InputFile(path: path)) }
        #expect(found?.code == .baseInvalid)
        #expect(found?.path == path)
    }

    /// A length of nearly 100 MB in a small file is refused before anything is allocated for it.
    @Test func longHeaderInAShortFile() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(prefix(99_999_999) + Array("{}".utf8), to: "x.safetensors")
        let found = #expect(throws: Failure.self) { try SafetensorsFile(InputFile(path: path)) }
        #expect(found?.code == .baseInvalid)
    }

    @Test func headerAndTensorsMustAgree() throws {
        let folder = try TemporaryFolder()
        let (bytes, _) = try SafetensorsWriter.headerBytes(
            tensors: [("a", .u8, [3]), ("b", .u8, [2])], metadata: nil)
        let (a, b) = (TensorBuffer([1, 2, 3]), TensorBuffer([4, 5]))
        for sources in [[a], [b, a], [a, b, b], [a, a], []] {
            let file = try OutputFile.create(at: folder("x"), replacing: true, durability: .none)
            let found = #expect(throws: Failure.self) {
                try SafetensorsWriter.write(header: bytes, sources: sources, to: file, lanes: Lanes(count: 1))
            }
            #expect(found?.code == .baseInvalid)
            #expect(file.byteCount == 0)
        }
    }

    @Test func failureOfASourceEndsTheWrite() throws {
        let folder = try TemporaryFolder()
        let source = FailingSource(byteCount: 5 << 20, failsAt: 3 << 20)
        let (bytes, _) = try SafetensorsWriter.headerBytes(tensors: [("a", .u8, source.shape)], metadata: nil)
        do {
            let file = try OutputFile.create(at: folder("x"), replacing: false, durability: .none)
            let found = #expect(throws: Failure.self) {
                try SafetensorsWriter.write(header: bytes, sources: [source], to: file, lanes: Lanes(count: 2))
            }
            #expect(found?.code == .inputOutput)
        }
        #expect(try folder.names() == [])
    }
}

@Suite struct LaneBuffersTests {
    @Test func buffersAreApart() throws {
        let lanes = Lanes(count: 3)
        let buffers = LaneBuffers(lanes, byteCount: 16)
        for lane in 0..<3 {
            try buffers.withBuffer(lane: lane, count: 16) { (buffer) throws(Failure) in
                buffer.copy(from: unsafe [UInt8](repeating: UInt8(lane), count: 16).span.bytes)
            }
        }
        for lane in 0..<3 {
            let bytes = try buffers.withBuffer(lane: lane, count: 5) { (buffer) throws(Failure) in
                unsafe buffer.bytes.withUnsafeBytes { unsafe Array($0) }
            }
            #expect(bytes == [UInt8](repeating: UInt8(lane), count: 5))
        }
    }

    @Test func lanesWorkAtOnce() throws {
        let lanes = Lanes(count: 4)
        let buffers = LaneBuffers(lanes, byteCount: 4096)
        try lanes.forEach(500) { lane, index throws(Failure) in
            try buffers.withBuffer(lane: lane, count: 1 + index) { (buffer) throws(Failure) in
                let pattern = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: buffer.byteCount)
                buffer.copy(from: unsafe pattern.span.bytes)
                let same = unsafe buffer.bytes.withUnsafeBytes { unsafe $0.elementsEqual(pattern) }
                #expect(same)
            }
        }
    }

    @Test func failuresPassThrough() {
        let buffers = LaneBuffers(Lanes(count: 1), byteCount: 1)
        #expect(throws: Failure.self) {
            try buffers.withBuffer(lane: 0, count: 1) { (_) throws(Failure) in throw Failure(.internal, "so") }
        }
    }
}
