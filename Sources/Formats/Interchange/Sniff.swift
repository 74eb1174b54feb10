package import Diagnostics
import Checkpoints
import Files
import JSON

/// What a path most likely is, for errors that help.
package enum Sniff: Hashable, Sendable {
    case peftFolder, mlxAdapter, adapterHubAdapter, modelFolder, otherFolder, emptyFolder
    case container, safetensors, kohya, gguf, pickle, zip, json, empty, unknownFile

    package var description: String {
        switch self {
        case .peftFolder: "a PEFT adapter"
        case .mlxAdapter: "an MLX adapter"
        case .adapterHubAdapter: "an AdapterHub adapter"
        case .modelFolder: "a whole model"
        case .otherFolder: "a folder of something else"
        case .emptyFolder: "an empty folder"
        case .container: "a Tenon container"
        case .safetensors: "a single safetensors file"
        case .kohya: "a LoRA in kohya's format"
        case .gguf: "a GGUF file"
        case .pickle: "a pickle of tensors"
        case .zip: "a zip archive"
        case .json: "a JSON file"
        case .empty: "an empty file"
        case .unknownFile: "a file of an unknown format"
        }
    }

    /// What to do about it.
    package var hint: String? {
        switch self {
        case .peftFolder: nil
        case .container: "inspect, verify and unpack read it"
        case .safetensors, .pickle, .json: "name the folder that holds it and adapter_config.json"
        case .modelFolder: "name the folder of an adapter; a whole model is a base"
        case .otherFolder, .emptyFolder: "an adapter folder holds adapter_config.json and adapter_model.safetensors"
        case .mlxAdapter, .adapterHubAdapter, .kohya, .gguf, .zip: "this version reads folders that PEFT wrote"
        case .empty, .unknownFile: nil
        }
    }

    /// Looks at names and first bytes only.
    package static func of(_ path: String) throws(Failure) -> Sniff {
        try Folder.kind(of: path) == .folder ? folder(path) : file(path)
    }

    private static func folder(_ path: String) throws(Failure) -> Sniff {
        let names = Set(try Folder.entries(of: path).map(\.name))
        if names.isEmpty { return .emptyFolder }
        if names.contains("adapters.safetensors") { return .mlxAdapter }
        if names.contains("pytorch_adapter.bin") || names.contains("adapter.safetensors") { return .adapterHubAdapter }
        if names.contains("adapter_config.json") || names.contains("adapter_model.safetensors") { return .peftFolder }
        let isModel = names.contains { name in
            name == "model.safetensors.index.json" || name == "pytorch_model.bin"
                || (name.hasPrefix("model") && name.hasSuffix(".safetensors")) || name.hasSuffix(".gguf")
        }
        return isModel ? .modelFolder : .otherFolder
    }

    private static func file(_ path: String) throws(Failure) -> Sniff {
        let file = try InputFile(path: path)
        if file.size == 0 { return .empty }
        let start = try file.read(at: 0, count: min(16, file.size))
        if start.starts(with: "GGUF".utf8) { return .gguf }
        if start.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
            return path.hasSuffix(".bin") || path.hasSuffix(".pt") || path.hasSuffix(".pth") ? .pickle : .zip
        }
        if start.count > 1, start[0] == 0x80, (2...5).contains(start[1]) { return .pickle }
        if start.starts(with: [0x89, 0x54, 0x4E, 0x4E, 0x0D, 0x0A, 0x1A, 0x0A]) {
            return .container
        }
        if start.count > 8, start[8] == UInt8(ascii: "{"), let header = try? SafetensorsHeader(of: file) {
            return isKohya(header) ? .kohya : .safetensors
        }
        return start[0] == UInt8(ascii: "{") || start[0] == UInt8(ascii: "[") ? .json : .unknownFile
    }

    private static func isKohya(_ header: SafetensorsHeader) -> Bool {
        header.metadata?.contains { $0.key == "ss_network_module" } == true
            || header.tensors.contains { $0.name.hasSuffix(".lora_down.weight") }
    }
}
