import Diagnostics
package import Tensors

/// A small set of parameters and what they do to a base model, with no word on how a file holds them.
package struct Adapter: Sendable {
    /// The method's word ("lora", "vera", …), or the foreign name of one this version does not understand.
    package var method: String
    /// Every config value that changes the function, with defaults left out.
    package var parameters: Parameters
    package var entries: [AdapterEntry]
    /// Free text about it (base model's name, licence); never changes what it does.
    package var metadata: [String: String]
    /// The checkpoints that entries are bound to, each root once.
    package var bases: [BaseReference]

    package init(
        method: String, parameters: Parameters = [:], entries: [AdapterEntry] = [], metadata: [String: String] = [:],
        bases: [BaseReference] = []
    ) {
        self.method = method
        self.parameters = parameters
        self.entries = entries
        self.metadata = metadata
        self.bases = bases
    }
}

/// What an adapter holds for one target.
package struct AdapterEntry: Sendable {
    package var key: EntryKey
    /// What holds for this entry alone: the scale of its factors, how they are quantized.
    package var parameters: Parameters
    /// Each role once, in the order of their raw values.
    package var tensors: [RoleTensor]
    /// The base it was made for, if it is bound to one.
    package var binding: EntryBinding?

    package init(
        key: EntryKey, parameters: Parameters = [:], tensors: [RoleTensor], binding: EntryBinding? = nil
    ) {
        self.key = key
        self.parameters = parameters
        self.tensors = tensors.sorted { $0.role.rawValue < $1.role.rawValue }
        self.binding = binding
    }

    package subscript(role: Role) -> (any TensorSource)? {
        tensors.first { $0.role == role }?.source
    }
}

/// Which entry: no two of a container have the same key.
package struct EntryKey: Hashable, Sendable {
    /// A base tensor's name ("model.layers.0.self_attn.q_proj.weight"), a file's name, or empty for the whole model.
    package var target: String
    package var kind: Kind
    /// The order of composition where one target has several entries of a kind.
    package var ordinal: UInt8

    package init(_ target: String, _ kind: Kind, ordinal: UInt8 = 0) {
        self.target = target
        self.kind = kind
        self.ordinal = ordinal
    }
}

extension EntryKey {
    /// By bytes: two spellings of one character are two targets.
    package static func == (a: EntryKey, b: EntryKey) -> Bool {
        a.kind == b.kind && a.ordinal == b.ordinal && a.target.equalsInBytes(b.target)
    }

    package func hash(into hasher: inout Hasher) {
        target.hashBytes(into: &hasher)
        hasher.combine(kind)
        hasher.combine(ordinal)
    }
}

extension EntryKey: Comparable {
    /// By target bytes, then kind, then ordinal: the order of a container's entries.
    package static func < (a: EntryKey, b: EntryKey) -> Bool {
        if !a.target.equalsInBytes(b.target) { return a.target.precedesInBytes(b.target) }
        if a.kind != b.kind { return a.kind.rawValue < b.kind.rawValue }
        return a.ordinal < b.ordinal
    }
}

package struct RoleTensor: Sendable {
    package let role: Role
    package let source: any TensorSource

    package init(_ role: Role, _ source: any TensorSource) {
        self.role = role
        self.source = source
    }
}

extension EntryKey: CustomStringConvertible {
    /// `target [kind]`, with the ordinal where it is not the first.
    package var description: String {
        (target.isEmpty ? "the whole model" : target) + " [\(kind.word)" + (ordinal == 0 ? "]" : " #\(ordinal)]")
    }
}
