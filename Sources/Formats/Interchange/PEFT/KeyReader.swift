import Adapters
import Diagnostics

/// What one key of a PEFT file says.
struct ParsedKey: Sendable {
    var entry: EntryKey
    let role: Role
    /// The entry's parameter `form`; nil where the spelling is the same in all.
    let form: String?
    /// The module's path, where the target does not give it.
    let module: String?
    /// The parameter's name could not be told from the key and the config.
    var isNameless = false
}

/// Reads keys by a method's table.
struct KeyReader: Sendable {
    let peft: PEFTMethod
    let context: KeyContext
    /// Paths of the modules that are an `nn.MultiheadAttention`: their factors are those of `in_proj_weight`.
    private let attentions: Set<String>

    /// - Parameter keys: All keys of the file, for what one alone does not tell.
    init(_ peft: PEFTMethod, _ parameters: Parameters, keys: [String]) {
        self.peft = peft
        context = KeyContext(parameters)
        var attentions: Set<String> = []
        for key in keys {
            // PEFT wraps the output projection of such a module inside the module it wraps.
            guard key.holds(".base_layer.out_proj."), key.hasPrefix(peft.prefix),
                let end = key.firstRange(of: ".base_layer.out_proj.")
            else { continue }
            attentions.insert(String(key[..<end.lowerBound].dropFirst(peft.prefix.count)))
        }
        self.attentions = attentions
    }

    /// How a key was not as PEFT writes it.
    enum Slip: Hashable, Sendable {
        case doublePrefix, adapterName
    }

    /// Throws ``Failure/Code/unknownKey`` naming the nearest known form.
    func read(_ key: String) throws(Failure) -> (key: ParsedKey, slips: Set<Slip>) {
        var slips: Set<Slip> = []
        var text = key
        while text.hasPrefix(peft.prefix + "base_model.model.") {
            text = String(text.dropFirst("base_model.model.".count))
            slips.insert(.doublePrefix)
        }
        if let parsed = parse(text) { return (parsed, slips) }
        if let plain = Self.withoutAdapterName(text), let parsed = parse(plain) {
            return (parsed, slips.union([.adapterName]))
        }
        throw Failure(
            .unknownKey, "a tensor's key is none that \(peft.type) has", object: key, hint: nearest(to: text))
    }

    private func parse(_ key: String) -> ParsedKey? {
        for rule in peft.rules {
            if let parsed = parse(key, by: rule) { return parsed }
        }
        return nil
    }

    private func parse(_ key: String, by rule: KeyRule) -> ParsedKey? {
        if rule.place == .model {
            return key == rule.suffix
                ? ParsedKey(entry: EntryKey("", rule.kind), role: rule.role, form: "", module: nil) : nil
        }
        guard key.hasPrefix(peft.prefix) else { return nil }
        var path = String(key.dropFirst(peft.prefix.count))
        if !rule.suffix.isEmpty {
            guard path.hasSuffix("." + rule.suffix) else { return nil }
            path = String(path.dropLast(rule.suffix.count + 1))
        }
        guard !path.isEmpty, !path.hasPrefix("."), !path.hasSuffix("."), context.holds(rule.condition, path: path)
        else {
            return nil
        }
        return parsed(key: key, path: path, by: rule)
    }

    private func parsed(key: String, path: String, by rule: KeyRule) -> ParsedKey {
        let form = rule.forms.first
        func plain(_ target: String, module: String? = nil) -> ParsedKey {
            ParsedKey(entry: EntryKey(target, rule.kind), role: rule.role, form: form, module: module)
        }
        switch rule.place {
        case .model, .key: return plain(key)
        case .tensor, .module: return plain(path)
        case .bias:
            let base = Self.withoutWrappers(path)
            return plain(base + ".bias", module: base == path ? nil : path)
        case .weight:
            if rule.kind == .lora, let parameter = parameter(path: path, by: rule) { return parameter }
            if attentions.contains(path) { return plain(path + ".in_proj_weight", module: path) }
            let base = Self.withoutWrappers(path)
            let isBlocks = rule.kind == .lora && form == "" && context.hasBlocks
            return ParsedKey(
                entry: EntryKey(base + ".weight", rule.kind), role: rule.role, form: isBlocks ? "blocks" : form,
                module: base == path ? nil : path)
        }
    }

    /// The factors of a parameter that `target_parameters` names. Several of one module nest: the outer ones' factors lie
    /// at the module, those of the next at `base_layer`, and so on; which is which the key does not say.
    private func parameter(path: String, by rule: KeyRule) -> ParsedKey? {
        var stem = path[...]
        var depth: UInt8 = 0
        while stem.hasSuffix(".base_layer"), depth < 64 {
            stem = stem.dropLast(".base_layer".count)
            depth += 1
        }
        let module = String(stem)
        let names = context.parameterNames(of: module)
        if names.isEmpty { return nil }
        let isKnown = names.count == 1 && depth == 0
        let target = isKnown ? module + "." + names[0] : module
        return ParsedKey(
            entry: EntryKey(target, rule.kind, ordinal: isKnown ? 0 : depth), role: rule.role,
            form: rule.forms.isEmpty ? nil : "parameter", module: target == path + ".weight" ? nil : path,
            isNameless: !isKnown)
    }

    /// The path in the base of a module that PEFT has wrapped.
    private static func withoutWrappers(_ path: String) -> String {
        guard path.holds("base_layer") else { return path }
        return path.split(separator: ".", omittingEmptySubsequences: false).filter { $0 != "base_layer" }
            .joined(separator: ".")
    }

    /// The key without an adapter's name where PEFT has it in memory but never in a file: before the last component or
    /// in its place, or behind `modules_to_save`.
    private static func withoutAdapterName(_ key: String) -> String? {
        var parts = key.split(separator: ".", omittingEmptySubsequences: false)
        if let infix = parts.firstIndex(of: "modules_to_save"), infix + 2 < parts.count {
            parts.removeSubrange(infix...(parts[infix + 1] == "default" ? infix + 1 : infix))
        } else if parts.last == "default" {
            parts.removeLast()
        } else if parts.count >= 2, parts[parts.count - 2] == "default" {
            parts.remove(at: parts.count - 2)
        } else {
            return nil
        }
        return parts.joined(separator: ".")
    }

    // MARK: Help

    private func nearest(to key: String) -> String? {
        let candidates = peft.rules.filter { !$0.suffix.isEmpty }.map { rule in
            (spelling: rule.place == .model ? rule.suffix : "\(peft.prefix)<module>.\(rule.suffix)", rule: rule)
        }
        let parts = key.split(separator: ".")
        let best = candidates.min { a, b in distance(a.rule, parts) < distance(b.rule, parts) }
        return best.map { "the nearest that it has is \($0.spelling)" }
    }

    private func distance(_ rule: KeyRule, _ parts: [Substring]) -> Int {
        let length = rule.suffix.split(separator: ".").count
        return rule.suffix.editDistance(to: parts.suffix(length).joined(separator: "."))
    }
}

extension String {
    /// Whether the bytes of `text` stand somewhere in it: far faster than `contains`, which looks at characters.
    fileprivate func holds(_ text: String) -> Bool {
        let needle = Array(text.utf8)
        var rest = utf8[...]
        while let start = rest.firstIndex(of: needle[0]) {
            rest = rest[start...]
            if rest.starts(with: needle) { return true }
            rest = rest.dropFirst()
        }
        return false
    }
}
