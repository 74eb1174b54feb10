import Checkpoints
package import Diagnostics
import Files
package import Interchange
import JSON

/// What an adapter folder is made of, as the fuzzer changes it: the config, and the header text of a safetensors file
/// whose tensors are all zeros. Written as: the length of the config in two bytes, the config, the text.
package struct FolderParts {
    package var config: [UInt8]
    package var text: [UInt8]

    private static let dataLimit = 1 << 20
    private static let configFile = ScratchFile("adapter_config.json")
    private static let weightsFile = ScratchFile("adapter_model.safetensors")

    package init(config: [UInt8], text: [UInt8]) {
        self.config = config
        self.text = text
    }

    /// Any bytes are parts.
    package init(_ bytes: [UInt8]) {
        let head = bytes.prefix(2) + [0, 0]
        let count = Int(head[0]) | Int(head[1]) << 8
        config = Array(bytes.dropFirst(2).prefix(count))
        text = Array(bytes.dropFirst(2 + count))
    }

    package var bytes: [UInt8] {
        [UInt8(config.count & 0xFF), UInt8(config.count >> 8 & 0xFF)] + config + text
    }

    /// The folder, written and read.
    package func read() throws(Failure) -> PEFTImport {
        let header = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
        Self.configFile.replace(by: config)
        Self.weightsFile.replace(by: header, count: header.count + dataCount)
        return try PEFTFolder.read(ScratchFile.folder)
    }

    /// The highest offset that the text names: how many bytes of tensors there must be.
    private var dataCount: Int {
        guard let members = (try? JSONValue.parse(text))?.object?.members else { return 0 }
        let ends = members.compactMap { $0.value["data_offsets"]?.array?.last?.int }
        return min(max(0, ends.max() ?? 0), Self.dataLimit)
    }
}
