import Files
import JSON
import Support
import Testing

/// A checkpoint of a few tensors whose bytes a test chooses, written without the library under test.
struct TinyModel {
    struct Tensor: Equatable {
        var dtype: String
        var shape: [Int]
        var bytes: [UInt8]
    }

    static let bits = [
        "BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64, "F16": 16,
        "BF16": 16, "F32": 32, "F64": 64, "C64": 64, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F6_E2M3": 6,
        "F6_E3M2": 6, "F4": 4,
    ]

    /// In the order in which the files have them.
    private(set) var names: [String] = []
    private(set) var tensors: [Tensor] = []
    var companions: [String: [UInt8]] = ["config.json": Array("{\"model_type\": \"tiny\"}\n".utf8)]
    /// Tensors go to so many files in turn.
    var shards = 1
    /// Spaces after every header, as padding.
    var padding = 0
    var metadata: [String: String] = [:]

    subscript(name: String) -> Tensor? {
        get { names.firstIndex { $0.utf8.elementsEqual(name.utf8) }.map { tensors[$0] } }
        set {
            let place = names.firstIndex { $0.utf8.elementsEqual(name.utf8) }
            switch (place, newValue) {
            case (let place?, let value?): tensors[place] = value
            case (let place?, nil):
                names.remove(at: place)
                tensors.remove(at: place)
            case (nil, let value?):
                names.append(name)
                tensors.append(value)
            case (nil, nil): break
            }
        }
    }

    /// Adds a tensor of numbers like a model's weights, or of any bits where the type is none of floats.
    mutating func add(_ name: String, _ dtype: String, _ shape: [Int], _ random: inout RepeatableRandom) {
        self[name] = .weights(dtype, shape, &random)
    }

    /// Changes one in `every` elements by a step or two of the last place.
    mutating func tune(_ name: String, every: UInt64, _ random: inout RepeatableRandom) {
        guard var tensor = self[name] else { return }
        let width = max(1, (Self.bits[tensor.dtype] ?? 8) / 8)
        for start in stride(from: 0, to: tensor.bytes.count, by: width) where random.next() % every == 0 {
            tensor.bytes[start] = tensor.bytes[start] &+ (random.next() % 2 == 0 ? 1 : 0xFE)
        }
        self[name] = tensor
    }

    mutating func tuneAll(every: UInt64, _ random: inout RepeatableRandom) {
        for name in names { tune(name, every: every, &random) }
    }

    /// Puts the tensors into another order in the files.
    mutating func reverse() {
        names.reverse()
        tensors.reverse()
    }

    /// The weights of file `shard`.
    func file(_ shard: Int) -> [UInt8] {
        let members = stride(from: shard, to: names.count, by: shards)
        var header = JSONObject()
        if !metadata.isEmpty {
            var members = JSONObject()
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { members[key] = .string(value) }
            header["__metadata__"] = .object(members)
        }
        var data: [UInt8] = []
        for number in members {
            let tensor = tensors[number]
            header[names[number]] = [
                "dtype": .string(tensor.dtype), "shape": .array(tensor.shape.map { JSONValue($0) }),
                "data_offsets": [JSONValue(data.count), JSONValue(data.count + tensor.bytes.count)],
            ]
            data += tensor.bytes
        }
        let text =
            JSONWriter.bytes(of: .object(header), .compact) + [UInt8](repeating: UInt8(ascii: " "), count: padding)
        return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) } + text + data
    }

    func fileName(_ shard: Int) -> String {
        shards == 1 ? "model.safetensors" : "model-0000\(shard + 1)-of-0000\(shards).safetensors"
    }

    /// Writes the folder `path`.
    func write(to path: String) throws {
        try Folder.make(path)
        for (name, bytes) in companions { try writeFile(bytes, to: Paths.joined(path, name)) }
        var map = JSONObject()
        for shard in 0..<shards {
            try writeFile(file(shard), to: Paths.joined(path, fileName(shard)))
            for number in stride(from: shard, to: names.count, by: shards) {
                map[names[number]] = .string(fileName(shard))
            }
        }
        guard shards > 1 else { return }
        let size = tensors.reduce(0) { $0 + $1.bytes.count }
        try writeFile(
            JSONWriter.bytes(
                of: ["metadata": ["total_size": JSONValue(size)], "weight_map": .object(map)], .pretty),
            to: Paths.joined(path, "model.safetensors.index.json"))
    }
}

extension TinyModel.Tensor {
    static func byteCount(_ dtype: String, _ shape: [Int]) -> Int {
        shape.reduce(1, *) * (TinyModel.bits[dtype] ?? 8) / 8
    }

    /// Any bits at all.
    static func random(_ dtype: String, _ shape: [Int], _ random: inout RepeatableRandom) -> Self {
        Self(dtype: dtype, shape: shape, bytes: random.bytes(byteCount(dtype, shape)))
    }

    /// Floats around zero, small as weights are; any bits for other types.
    static func weights(_ dtype: String, _ shape: [Int], _ random: inout RepeatableRandom) -> Self {
        var tensor = Self.random(dtype, shape, &random)
        // The exponent lies in the last byte but for the sign: a narrow range of it.
        let exponents: [String: UInt8] = ["BF16": 0x3C, "F16": 0x24, "F32": 0x3C, "F64": 0x3F]
        guard let exponent = exponents[dtype] else { return tensor }
        let width = (TinyModel.bits[dtype] ?? 8) / 8
        for last in stride(from: width - 1, to: tensor.bytes.count, by: width) {
            tensor.bytes[last] = tensor.bytes[last] & 0x80 | exponent
        }
        return tensor
    }
}

/// Expects the folders to have the same files with the same bytes; hidden ones do not count.
func expectSameFiles(_ a: String, _ b: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let names = try Folder.entries(of: a).filter { $0.kind == .file }.map(\.name)
    #expect(
        try Folder.entries(of: b).filter { $0.kind == .file }.map(\.name) == names, sourceLocation: sourceLocation)
    for name in names where try exists(Paths.joined(b, name)) {
        #expect(
            try contents(of: Paths.joined(a, name)) == contents(of: Paths.joined(b, name)), "\(name) differs",
            sourceLocation: sourceLocation)
    }
}

/// Runs the tool and expects it to succeed.
@discardableResult
func succeed(
    _ arguments: [String], environment: [String: String?] = [:], sourceLocation: SourceLocation = #_sourceLocation
) throws -> ToolRun {
    let run = try runTool(arguments, environment: environment)
    try #require(run.status == 0 && run.signal == nil, "\(arguments) \(run.errors)", sourceLocation: sourceLocation)
    return run
}
