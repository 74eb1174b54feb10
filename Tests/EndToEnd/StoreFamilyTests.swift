import Files
import JSON
import Support
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A base, what was made of it, and copies under other guises: a twentieth of what `Benchmarks/family.py` measures.
@Suite("A family of models in a store")
struct StoreFamilyTests {
    private static let rows = 2048
    private static let columns = 2048
    private static let names = ["model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight"]

    /// Numbers that are distributed as weights are.
    private struct Gaussian {
        var random: RepeatableRandom
        private var spare: Float?

        init(seed: UInt64) {
            random = RepeatableRandom(seed: seed)
        }

        mutating func next() -> Float {
            if let value = spare.take() { return value }
            let radius = (-2 * log(Float.random(in: 0x1p-24..<1, using: &random))).squareRoot()
            let angle = Float.random(in: 0..<2 * Float.pi, using: &random)
            spare = radius * sin(angle)
            return radius * cos(angle)
        }
    }

    private static func bf16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    private static func bytes(_ numbers: some Sequence<UInt16>) -> [UInt8] {
        numbers.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }

    private static func header(_ tensors: [(name: String, dtype: String, shape: [Int], byteCount: Int)]) -> [UInt8] {
        var header = JSONObject()
        var end = 0
        for tensor in tensors {
            header[tensor.name] = [
                "dtype": .string(tensor.dtype), "shape": .array(tensor.shape.map { JSONValue($0) }),
                "data_offsets": [JSONValue(end), JSONValue(end + tensor.byteCount)],
            ]
            end += tensor.byteCount
        }
        let text = JSONWriter.bytes(of: .object(header), .compact)
        return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) } + text
    }

    /// Writes a model of two matrices, in one file or in a file for each.
    private func write(_ matrices: [[UInt16]], to name: String, isSharded: Bool = false, in place: TemporaryFolder)
        throws
    {
        try Folder.make(place(name))
        try place.write(Array("{\"model_type\": \"llama\"}\n".utf8), to: name + "/config.json")
        let tensors = Self.names.map {
            (name: $0, dtype: "BF16", shape: [Self.rows, Self.columns], byteCount: Self.rows * Self.columns * 2)
        }
        guard isSharded else {
            let data = matrices.flatMap(Self.bytes)
            try place.write(Self.header(tensors) + data, to: name + "/model.safetensors")
            return
        }
        var map = JSONObject()
        for (number, matrix) in matrices.enumerated() {
            let file = "model-0000\(number + 1)-of-00002.safetensors"
            try place.write(Self.header([tensors[number]]) + Self.bytes(matrix), to: "\(name)/\(file)")
            map[tensors[number].name] = .string(file)
        }
        try place.write(
            JSONWriter.bytes(of: ["weight_map": .object(map)], .pretty), to: name + "/model.safetensors.index.json")
    }

    /// Writes a LoRA of rank 16 in fp32, of half a megabyte.
    private func writeAdapter(_ name: String, seed: UInt64, revision: String? = nil, in place: TemporaryFolder) throws {
        var gaussian = Gaussian(seed: seed)
        let shapes = [("A", [16, Self.columns]), ("B", [Self.rows, 16])]
        let tensors = ["gate_proj", "up_proj"].flatMap { module in
            shapes.map { factor, shape in
                (
                    name: "base_model.model.model.layers.0.mlp.\(module).lora_\(factor).weight", dtype: "F32",
                    shape: shape,
                    byteCount: shape[0] * shape[1] * 4
                )
            }
        }
        let count = tensors.reduce(0) { $0 + $1.byteCount } / 4
        let data = (0..<count).flatMap { _ in
            let bits = (0.02 * gaussian.next()).bitPattern
            return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
        }
        try Folder.make(place(name))
        try place.write(Self.header(tensors) + data, to: name + "/adapter_model.safetensors")
        var config = JSONObject()
        config["peft_type"] = "LORA"
        config["r"] = 16
        config["lora_alpha"] = 32
        config["target_modules"] = ["gate_proj", "up_proj"]
        if let revision { config["revision"] = .string(revision) }
        try place.write(JSONWriter.bytes(of: .object(config), .pretty), to: name + "/adapter_config.json")
    }

    private func byteCount(_ path: String) throws -> Int {
        try Folder.entries(of: path).reduce(0) { sum, entry in
            try sum + (entry.kind == .folder ? byteCount(Paths.joined(path, entry.name)) : entry.size)
        }
    }

    @Test("takes at most 0.22 of the files, and gives every one of them back", .timeLimit(.minutes(5)))
    func family() throws {
        try inFolder { place in
            var gaussian = Gaussian(seed: 1)
            let base = Self.names.map { _ in (0..<Self.rows * Self.columns).map { _ in 0.02 * gaussian.next() } }
            let rounded = base.map { $0.map(Self.bf16) }
            try write(rounded, to: "base", in: place)
            var members = ["base"]
            for number in 0..<10 {
                try write(
                    base.map { $0.map { Self.bf16($0 + 2e-4 * gaussian.next()) } }, to: "full-\(number)", in: place)
                members.append("full-\(number)")
            }
            for number in 0..<5 {
                var tuned = rounded
                for matrix in tuned.indices {
                    for _ in 0..<Self.rows * Self.columns / 100 {
                        let place = Int.random(in: 0..<Self.rows * Self.columns, using: &gaussian.random)
                        let units = UInt16(Int.random(in: 1...3, using: &gaussian.random))
                        tuned[matrix][place] &+= Bool.random(using: &gaussian.random) ? units : 0 &- units
                    }
                }
                try write(tuned, to: "sparse-\(number)", in: place)
                members.append("sparse-\(number)")
            }
            try write(rounded, to: "resharded", isSharded: true, in: place)
            try copyFolder(place("full-4"), to: place("renamed"))
            for number in 0..<20 { try writeAdapter("adapter-\(number)", seed: UInt64(100 + number), in: place) }
            try writeAdapter("resaved", seed: 107, revision: "main", in: place)
            members += ["resharded", "renamed"] + (0..<20).map { "adapter-\($0)" } + ["resaved"]

            let store = place("store")
            try succeed(["store", "init", "--store", store])
            for member in members { try succeed(["store", "add", place(member), "--name", member, "--store", store]) }
            let plain = try members.reduce(0) { try $0 + byteCount(place($1)) }
            let stored = try byteCount(store)
            #expect(Double(stored) <= 0.22 * Double(plain), "\(stored) of \(plain) bytes")
            try succeed(["store", "fsck", "--level", "4", "--store", store])
            for member in ["base", "full-9", "sparse-4", "resharded", "renamed", "adapter-3", "resaved"] {
                try succeed(["store", "get", member, "-o", place("found"), "--store", store])
                let files = try Folder.entries(of: place(member)).map(\.name)
                #expect(try Folder.entries(of: place("found")).map(\.name) == files)
                for file in files {
                    let isSame = try contents(of: place("found/\(file)")) == contents(of: place("\(member)/\(file)"))
                    #expect(isSame, "\(member)/\(file)")
                }
                try Folder.remove(place("found"))
            }
        }
    }
}
