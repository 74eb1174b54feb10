import Diagnostics
import JSON

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How positions turn queries and keys (Su et al., RoFormer, 2021), and how the turn is stretched for longer rows.
package struct RotaryEmbedding: Hashable, Sendable {
    /// The angle of each pair of numbers at position 1, [headSize / 2].
    package let frequencies: [Double]
    /// What cosine and sine are multiplied by.
    package let attentionFactor: Double

    /// Reads `rope_theta` and `rope_scaling`, or `rope_parameters` as newer configs have it.
    ///
    /// Throws ``Failure/Code/unknownArchitecture`` for a scaling that is none of `default`, `linear`, `llama3` and `yarn`, and
    /// for keys that change it in ways that are not known.
    init(_ config: JSONValue, headSize: Int, maximumLength: Int) throws(Failure) {
        let scaling = [config["rope_parameters"], config["rope_scaling"]].compactMap { $0 }.first { !$0.isNull }
        let theta = config["rope_theta"]?.double ?? scaling?["rope_theta"]?.double ?? 10_000
        guard headSize % 2 == 0, theta > 1, theta.isFinite else {
            throw Failure(
                .configInvalid, "the rotary embedding is impossible", object: "rope_theta", actual: "\(theta)")
        }
        let plain = (0..<headSize / 2).map { 1 / pow(theta, Double(2 * $0) / Double(headSize)) }
        let type = scaling?["rope_type"]?.string ?? scaling?["type"]?.string ?? "default"
        let factor = scaling?["factor"]?.double ?? 1
        try Self.checkHonored(config, scaling, type)
        guard factor >= 1, factor.isFinite else {
            throw Failure(.configInvalid, "the rotary embedding is impossible", object: "factor", actual: "\(factor)")
        }
        switch type {
        case "default":
            frequencies = plain
            attentionFactor = 1
        case "linear":
            frequencies = plain.map { $0 / factor }
            attentionFactor = 1
        case "llama3":
            frequencies = Self.llama3(plain, factor, scaling)
            attentionFactor = 1
        case "yarn":
            let original = scaling?["original_max_position_embeddings"]?.double ?? Double(maximumLength)
            frequencies = Self.yarn(plain, factor, scaling, theta: theta, headSize: headSize, original: original)
            attentionFactor = scaling?["attention_factor"]?.double ?? (factor > 1 ? 0.1 * log(factor) + 1 : 1)
        default:
            throw Failure(
                .unknownArchitecture, "this scaling of positions is not known", object: type,
                expected: "default, linear, llama3, yarn")
        }
    }

    /// Refuses what would turn positions otherwise and is not done here, unless it says that nothing is to be done.
    private static func checkHonored(_ config: JSONValue, _ scaling: JSONValue?, _ type: String) throws(Failure) {
        var neutral = [(key: "partial_rotary_factor", 1.0, [config, scaling])]
        if type == "yarn" { neutral += [("mscale", 1, [scaling]), ("mscale_all_dim", 0, [scaling])] }
        for (key, value, places) in neutral {
            for place in places {
                guard let found = place?[key], !found.isNull, found.double != value else { continue }
                throw Failure(
                    .unknownArchitecture, "this key of the rotary embedding is not known", object: key,
                    expected: "none, or \(value)", actual: found.double.map { "\($0)" } ?? "\(found.kind)")
            }
        }
    }

    /// Long waves are stretched, short ones left, those between blended (the formula of Llama 3.1's release).
    private static func llama3(_ plain: [Double], _ factor: Double, _ scaling: JSONValue?) -> [Double] {
        let low = scaling?["low_freq_factor"]?.double ?? 1
        let high = scaling?["high_freq_factor"]?.double ?? 4
        let original = scaling?["original_max_position_embeddings"]?.double ?? 8192
        return plain.map { frequency in
            let wave = 2 * Double.pi / frequency
            if wave < original / high { return frequency }
            if wave > original / low { return frequency / factor }
            let smooth = (original / wave - low) / (high - low)
            return (1 - smooth) * frequency / factor + smooth * frequency
        }
    }

    /// Peng et al., YaRN (2023), section 3.2.
    private static func yarn(
        _ plain: [Double], _ factor: Double, _ scaling: JSONValue?, theta: Double, headSize: Int, original: Double
    ) -> [Double] {
        let fast = scaling?["beta_fast"]?.double ?? 32
        let slow = scaling?["beta_slow"]?.double ?? 1
        func pair(_ rotations: Double) -> Double {
            Double(headSize) * log(original / (rotations * 2 * .pi)) / (2 * log(theta))
        }
        let truncates = scaling?["truncate"]?.bool ?? true
        let first = max(truncates ? pair(fast).rounded(.down) : pair(fast), 0)
        var last = min(truncates ? pair(slow).rounded(.up) : pair(slow), Double(headSize - 1))
        if first == last { last += 0.001 }
        return plain.enumerated().map { place, frequency in
            let ramp = min(max((Double(place) - first) / (last - first), 0), 1)
            return frequency / factor * ramp + frequency * (1 - ramp)
        }
    }
}
