import Adapters
import Diagnostics

/// Spells keys by a method's table.
struct KeyWriter: Sendable {
    /// Nil for a method that is not understood: its targets are its keys.
    let peft: PEFTMethod?
    private let context: KeyContext

    init(_ adapter: Adapter) {
        peft = PEFTMethod.of(method: adapter.method)
        context = KeyContext(adapter.parameters)
    }

    /// The key of one tensor.
    ///
    /// Throws ``Failure/Code/notExportable`` for what PEFT cannot hold.
    func key(of role: Role, in entry: AdapterEntry) throws(Failure) -> String {
        guard role.part == .whole else {
            throw Failure(
                .notExportable, "a quantized factor has no place in a PEFT folder", object: entry.key.target)
        }
        guard let peft else {
            guard entry.key.kind == .opaque, role == .value else { throw refusal(entry, role) }
            return entry.key.target
        }
        guard let rule = rule(peft, role, entry) else { throw refusal(entry, role) }
        switch rule.place {
        case .model: return rule.suffix
        case .key: return entry.key.target
        case .tensor: return peft.prefix + entry.key.target
        case .module: return "\(peft.prefix)\(module(entry, dropping: "")).\(rule.suffix)"
        case .weight: return "\(peft.prefix)\(module(entry, dropping: ".weight")).\(rule.suffix)"
        case .bias: return "\(peft.prefix)\(module(entry, dropping: ".bias")).\(rule.suffix)"
        }
    }

    /// The first spelling that the entry's form allows; a module that is kept whole is spelled so whatever the method's own
    /// entries look like.
    private func rule(_ peft: PEFTMethod, _ role: Role, _ entry: AdapterEntry) -> KeyRule? {
        let form = entry.parameters["form"]?.string
        if form == nil, context.holds(.saved, path: entry.key.target) {
            let saved = peft.rules.first {
                $0.condition == .saved && $0.spells(role, of: entry, form: $0.forms.first ?? "")
            }
            if let saved { return saved }
        }
        return peft.rules.first { $0.spells(role, of: entry, form: form ?? "") }
    }

    private func module(_ entry: AdapterEntry, dropping suffix: String) -> String {
        entry.parameters["module"]?.string ?? String(entry.key.target.dropLast(suffix.count))
    }

    private func refusal(_ entry: AdapterEntry, _ role: Role) -> Failure {
        Failure(
            .notExportable,
            "PEFT has no key for the tensor \(role.word) of a \(entry.key.kind.word) entry of \(peft?.type ?? "this method")",
            object: entry.key.target, hint: "--format safetensors holds anything")
    }
}
