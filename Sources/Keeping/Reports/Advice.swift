/// Something to mend, and the command that mends it.
package struct Advice: Sendable {
    package enum Sort: String, Sendable, CaseIterable {
        /// Takes part in a model's behavior not at all.
        case untrained
        /// The same content lies elsewhere.
        case duplicate
        /// A whole model, where its difference from the base would do.
        case fullCopy = "full-copy"
        /// An adapter that carries whole tensors of its base.
        case wholeTensors = "whole-tensors"
        /// fp32 whose numbers are all bf16.
        case wideDType = "wide-dtype"
        /// A container none of whose planes is compressed.
        case uncompressed
        /// Not in a container.
        case unpacked
        /// Nothing says which base it is for.
        case unbound

        package var title: String {
            switch self {
            case .untrained: "untrained"
            case .duplicate: "stored twice"
            case .fullCopy: "whole copies"
            case .wholeTensors: "whole tensors carried along"
            case .wideDType: "fp32 that holds bf16"
            case .uncompressed: "not compressed"
            case .unpacked: "not packed"
            case .unbound: "bound to no base"
            }
        }
    }

    package let sort: Sort
    package let name: String
    package let reason: String
    /// How many bytes it would save, where that was computed.
    package let saves: Int?
    /// For a POSIX shell, or for Python where it says so.
    package let command: String
}

/// Words as a POSIX shell takes them.
enum ShellWord {
    /// As it is where it has nothing special in it, else in single quotes.
    static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./:@%+=,".utf8.contains(byte)
            }
        }
        // What begins with a dash would be taken for an option.
        let path = text.utf8.first == UInt8(ascii: "-") ? "./" + text : text
        if plain && !text.isEmpty { return path }
        return "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
