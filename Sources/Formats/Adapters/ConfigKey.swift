package import Diagnostics

/// One key of a method's config, as PEFT spells it.
package struct ConfigKey: Hashable, Sendable {
    package let name: String
    /// What a config without the key means.
    package let defaultValue: ParameterValue
    package let effect: Effect
    package let domain: Domain
    /// Whether the order of its list means nothing.
    package let isSet: Bool

    package enum Effect: Hashable, Sendable {
        /// It changes what the adapter computes, so the content digest covers it.
        case function
        /// It does not, and why not.
        case none(why: String)
        /// It does, except with these values.
        case except([ParameterValue], why: String)
        /// It does only where another key is set: not to null, false or an empty list.
        case whereSet(String, why: String)
    }

    /// Which numbers it may hold, or that it holds something else. Null stands in for a number only where it is the default.
    package enum Domain: Hashable, Sendable {
        case any
        /// Any finite number.
        case number
        /// An integer of at least zero.
        case natural
        /// An integer of at least one.
        case count
    }

    package init(
        _ name: String, _ defaultValue: ParameterValue = .null, _ domain: Domain = .any, isSet: Bool = false,
        effect: Effect = .function
    ) {
        self.name = name
        self.defaultValue = defaultValue
        self.effect = effect
        self.domain = domain
        self.isSet = isSet
    }

    package init(_ name: String, _ defaultValue: ParameterValue = .null, noEffect why: String) {
        self.init(name, defaultValue, effect: .none(why: why))
    }

    /// The value in the one form it is stored in: a set sorted by bytes, each member once.
    package func canonical(_ value: ParameterValue) -> ParameterValue {
        guard isSet, let list = value.list else { return value }
        if let strings = value.strings {
            var sorted: [String] = []
            for string in strings.sorted(by: { $0.precedesInBytes($1) })
            where sorted.last?.equalsInBytes(string) != true {
                sorted.append(string)
            }
            return .list(sorted.map(ParameterValue.string))
        }
        let numbers = list.compactMap(\.int)
        guard numbers.count == list.count else { return value }
        return .list(Set(numbers).sorted().map { .int(Int64($0)) })
    }

    /// Whether a config with this value computes something else than one without the key.
    package func matters(_ value: ParameterValue, given config: [String: ParameterValue]) -> Bool {
        if value == defaultValue { return false }
        return switch effect {
        case .function: true
        case .none: false
        case .except(let values, _): !values.contains(value)
        case .whereSet(let other, _): config[other].map { ![.null, false, .list([])].contains($0) } ?? false
        }
    }

    fileprivate func fits(_ value: ParameterValue) -> Bool {
        switch (domain, value) {
        case (.any, _), (.number, .int), (.number, .double): true
        case (_, .null): defaultValue == .null
        case (.natural, .int(let value)): value >= 0
        case (.count, .int(let value)): value >= 1
        default: false
        }
    }

    package func check(_ value: ParameterValue) throws(Failure) {
        guard fits(value) else {
            let expected =
                switch domain {
                case .natural: "an integer of at least 0"
                case .count: "an integer of at least 1"
                case .number, .any: "a number"
                }
            throw Failure(
                .badParameter, "the parameter \(name) is out of range", expected: expected, actual: value.summary)
        }
    }
}

extension ConfigKey {
    /// The keys of every config.
    package static let common: [ConfigKey] = [
        ConfigKey("task_type"),
        ConfigKey("auto_mapping", noEffect: "only helps PEFT to find the class of the base"),
        ConfigKey("base_model_name_or_path", noEffect: "a name; what the base is, its digests say"),
        ConfigKey("revision", noEffect: "a name; what the base is, its digests say"),
        ConfigKey("inference_mode", false, noEffect: "says whether gradients are wanted"),
        ConfigKey("peft_version", noEffect: "the formulas of this method are the same in all versions"),
        ConfigKey("runtime_config", noEffect: "where to compute, not what; PEFT does not write it"),
    ]

    /// Those of them that no method can compute with, understood or not; `peft_version` may select a formula.
    package static let namesOnly: Set<String> = [
        "auto_mapping", "base_model_name_or_path", "revision", "inference_mode", "runtime_config",
    ]

    /// The keys that say which modules a method adapts.
    static let targets: [ConfigKey] = [
        ConfigKey("target_modules", isSet: true),
        ConfigKey("exclude_modules", isSet: true),
        ConfigKey("modules_to_save", isSet: true),
        ConfigKey("layers_to_transform", isSet: true),
        ConfigKey("layers_pattern", isSet: true),
    ]

    /// The same without those that a method has no key for.
    static func targets(except names: Set<String>) -> [ConfigKey] {
        targets.filter { !names.contains($0.name) }
    }

    /// The keys of every method that learns virtual tokens.
    static let virtualTokens: [ConfigKey] = [
        ConfigKey("num_virtual_tokens", .null, .count),
        ConfigKey("token_dim", .null, .count),
        ConfigKey("num_transformer_submodules", .null, .count),
        ConfigKey("num_attention_heads", .null, .count),
        ConfigKey("num_layers", .null, .count),
        ConfigKey("modules_to_save", isSet: true),
    ]

    static let bias = ConfigKey("bias", "none")
    static let fanInFanOut = ConfigKey("fan_in_fan_out", false)

    static func dropout(_ name: String) -> ConfigKey {
        ConfigKey(name, 0, noEffect: "acts only while training")
    }

    /// A key that says how the factors start, which does not matter once they are stored.
    static func start(_ name: String, _ defaultValue: ParameterValue = true) -> ConfigKey {
        ConfigKey(
            name, defaultValue,
            effect: .except([true, false, .null], why: "these start the factors and leave the base as it is"))
    }
}
