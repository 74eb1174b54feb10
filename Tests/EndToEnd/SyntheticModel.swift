import Files
import JSON
import Support

/// A model's folder, written without the library under test: matrices of bf16, whose bytes tell them apart.
enum SyntheticModel {
    /// Makes the folder `path` with `count` tensors of `tensorBytes` each, spread over so many shards in turn.
    ///
    /// - Parameter stride: So many bytes apart, one is another than without; nil for none.
    static func make(
        at path: String, count: Int = 6, tensorBytes: Int = 3000, shards: Int = 1, changing stride: Int? = nil
    ) throws {
        try Folder.make(path)
        try writeFile(Array("{}\n".utf8), to: Paths.joined(path, "config.json"))
        var map = JSONObject()
        for shard in 0..<shards {
            let name = shards == 1 ? "model.safetensors" : "model-0000\(shard + 1)-of-0000\(shards).safetensors"
            let members = Swift.stride(from: shard, to: count, by: shards)
            var header = JSONObject()
            for (place, number) in members.enumerated() {
                header[tensorName(number)] = [
                    "dtype": "BF16", "shape": [2, JSONValue(tensorBytes / 4)],
                    "data_offsets": [JSONValue(place * tensorBytes), JSONValue((place + 1) * tensorBytes)],
                ]
                map[tensorName(number)] = .string(name)
            }
            let text = JSONWriter.bytes(of: .object(header), .compact)
            let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) }
            let file = try OutputFile.create(at: Paths.joined(path, name), replacing: false, durability: .none)
            try unsafe file.write((length + text).span.bytes)
            for number in members {
                // By pieces: what this process holds counts for the tools that it runs.
                for start in Swift.stride(from: 0, to: tensorBytes, by: 1 << 16) {
                    let piece = (start..<min(start + (1 << 16), tensorBytes)).map { place in
                        let change = stride.map { place % $0 == 0 ? 1 : 0 } ?? 0
                        return UInt8(truncatingIfNeeded: place &* 31 &+ place >> 8 &+ number &+ change)
                    }
                    try unsafe file.write(piece.span.bytes)
                }
            }
            try file.commit()
        }
        guard shards > 1 else { return }
        try writeFile(
            JSONWriter.bytes(of: ["weight_map": .object(map)], .pretty),
            to: Paths.joined(path, "model.safetensors.index.json"))
    }

    static func tensorName(_ number: Int) -> String { "model.layers.\(number).mlp.up_proj.weight" }
}
