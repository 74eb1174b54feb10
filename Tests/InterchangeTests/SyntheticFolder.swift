import Checkpoints
import Diagnostics
import Files
import JSON
import Support
import Tensors

/// A small adapter folder made by hand.
struct SyntheticFolder {
    let place: TemporaryFolder
    var path: String { place.path }

    init(config: String? = nil, tensors: [(String, [Int])]? = nil, zero: Set<String> = []) throws {
        place = try TemporaryFolder()
        if let config { try place.write(Array(config.utf8), to: "adapter_config.json") }
        if let tensors { try place.write(try Self.safetensors(tensors, zero: zero), to: "adapter_model.safetensors") }
    }

    /// The bytes of a safetensors file of F32 tensors of these shapes, filled with ones, or zeros where named.
    static func safetensors(_ tensors: [(String, [Int])], zero: Set<String> = []) throws -> [UInt8] {
        let described = tensors.map { (name: $0.0, dtype: DType.f32, shape: Shape($0.1)) }
        let (header, order) = try SafetensorsWriter.headerBytes(tensors: described, metadata: [("format", "pt")])
        var bytes = header
        for index in order {
            let count = try described[index].shape.elementCount()
            let element: [UInt8] = zero.contains(described[index].name) ? [0, 0, 0, 0] : [0, 0, 0x80, 0x3F]
            for _ in 0..<count { bytes += element }
        }
        return bytes
    }

    /// A LoRA on q_proj and v_proj of one layer.
    static let loraConfig = #"{"peft_type":"LORA","r":2,"lora_alpha":4,"target_modules":["q_proj","v_proj"]}"#
    static let prefix = "base_model.model.model.layers.0.self_attn."

    static func lora(_ module: String, prefix: String = prefix, infix: String = "") -> [(String, [Int])] {
        [("\(prefix)\(module).lora_A\(infix).weight", [2, 8]), ("\(prefix)\(module).lora_B\(infix).weight", [8, 2])]
    }
}

/// The code of the failure that `body` throws, nil where it throws none.
func failureCode(_ body: () throws -> Void) -> Failure.Code? {
    do {
        try body()
        return nil
    } catch let failure as Failure {
        return failure.code
    } catch {
        return nil
    }
}
