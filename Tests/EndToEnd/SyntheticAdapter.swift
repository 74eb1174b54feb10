import Files
import JSON
import Support

/// An adapter folder of any size: LoRA on square matrices of fp32, filled with bytes that look like trained weights.
enum SyntheticAdapter {
    /// Makes the folder `path` with about `byteCount` bytes of tensors, each of `tensorBytes`.
    static func make(at path: String, byteCount: Int, tensorBytes: Int = 1 << 18, rank: Int = 16) throws {
        try Folder.make(path)
        let modules = max(1, byteCount / tensorBytes / 2)
        let config: JSONValue = [
            "peft_type": "LORA", "r": JSONValue(rank), "lora_alpha": JSONValue(rank), "target_modules": ["q_proj"],
        ]
        try writeFile(JSONWriter.bytes(of: config, .pretty), to: Paths.joined(path, "adapter_config.json"))

        let width = tensorBytes / 4 / rank
        var header = JSONObject()
        var offset = 0
        for module in 0..<modules {
            for (factor, shape) in [("A", [rank, width]), ("B", [width, rank])] {
                let name = "base_model.model.model.layers.\(module).self_attn.q_proj.lora_\(factor).weight"
                header[name] = [
                    "dtype": "F32", "shape": .array(shape.map { JSONValue($0) }),
                    "data_offsets": [JSONValue(offset), JSONValue(offset + tensorBytes)],
                ]
                offset += tensorBytes
            }
        }
        var head = JSONWriter.bytes(of: .object(header), .compact)
        head += [UInt8](repeating: 0x20, count: (8 - head.count % 8) % 8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: head.count >> ($0 * 8)) }

        let file = try OutputFile.create(
            at: Paths.joined(path, "adapter_model.safetensors"), replacing: false, durability: .none)
        try unsafe file.write((length + head).span.bytes)
        let block = weights(tensorBytes)
        for number in 0..<modules * 2 {
            // Another stretch of the same numbers, so that no two tensors are alike.
            let cut = number * 4096 % tensorBytes
            try unsafe file.write(block.span.bytes.extracting(droppingFirst: cut))
            try unsafe file.write(block.span.bytes.extracting(first: cut))
        }
        try file.commit()
    }

    private static func weights(_ byteCount: Int) -> [UInt8] {
        var random = RepeatableRandom(seed: 7)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        for _ in 0..<byteCount / 4 {
            let sum = (0..<4).reduce(0.0) { sum, _ in sum + Double(random.next() >> 11) * 0x1p-53 - 0.5 }
            let bits = Float(sum * 0.02).bitPattern
            for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        return bytes
    }
}
