/// What a tensor is within its entry. Raw values are those of the container (`Spec/format.md`): the low byte says which
/// factor, the high byte which part of it where a factor is quantized.
package struct Role: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The tensor itself, where an entry has only one thing to say: a bias, a file's bytes, a table of embeddings.
    package static let value = Role(rawValue: 0)
    package static let a = Role(rawValue: 1)
    package static let b = Role(rawValue: 2)
    package static let magnitude = Role(rawValue: 3)
    package static let bias = Role(rawValue: 4)
    package static let e = Role(rawValue: 5)
    package static let lambdaB = Role(rawValue: 6)
    package static let lambdaD = Role(rawValue: 7)
    package static let w1 = Role(rawValue: 8)
    package static let w1A = Role(rawValue: 9)
    package static let w1B = Role(rawValue: 10)
    package static let w2 = Role(rawValue: 11)
    package static let w2A = Role(rawValue: 12)
    package static let w2B = Role(rawValue: 13)
    package static let t1 = Role(rawValue: 14)
    package static let t2 = Role(rawValue: 15)
    package static let rotation = Role(rawValue: 16)
    package static let scale = Role(rawValue: 17)
    package static let u = Role(rawValue: 18)
    package static let spectrum = Role(rawValue: 19)
    package static let indices = Role(rawValue: 20)
    package static let lambda = Role(rawValue: 21)
    package static let gamma = Role(rawValue: 22)
    package static let logitsA = Role(rawValue: 23)
    package static let logitsB = Role(rawValue: 24)
    package static let indicesA = Role(rawValue: 25)
    package static let indicesB = Role(rawValue: 26)
    package static let weightsA = Role(rawValue: 27)
    package static let weightsB = Role(rawValue: 28)
    package static let bank = Role(rawValue: 29)
    package static let gate = Role(rawValue: 30)
    package static let taskRows = Role(rawValue: 31)
    package static let taskColumns = Role(rawValue: 32)
    package static let bitmap = Role(rawValue: 33)
    /// The bytes of a file that are no tensor's: a safetensors header, a pickle with its tensors cut out.
    package static let frame = Role(rawValue: 34)
    /// Where in a file the tensors cut out of it belong.
    package static let splices = Role(rawValue: 35)

    /// How long the parts are that belong to each window of a tensor.
    package static let counts = Role(rawValue: 36)

    private static let words: [UInt16: String] = [
        0: "value", 1: "A", 2: "B", 3: "magnitude", 4: "bias", 5: "E", 6: "lambda_b", 7: "lambda_d", 8: "w1", 9: "w1_a",
        10: "w1_b", 11: "w2", 12: "w2_a", 13: "w2_b", 14: "t1", 15: "t2", 16: "rotation", 17: "scale", 18: "u",
        19: "spectrum", 20: "indices", 21: "lambda", 22: "gamma", 23: "logits_a", 24: "logits_b", 25: "indices_a",
        26: "indices_b", 27: "weights_a", 28: "weights_b", 29: "bank", 30: "gate", 31: "task_rows", 32: "task_columns",
        33: "bitmap", 34: "frame", 35: "splices", 36: "counts",
    ]

    /// Which part of a quantized factor a tensor holds.
    package enum Part: UInt8, Sendable, CaseIterable {
        /// Not quantized.
        case whole = 0
        case codes = 1
        /// One scale a block, or the codes of those scales where they are quantized in turn.
        case scales = 2
        /// One scale a block of scales.
        case outerScales = 3

        package var word: String {
            switch self {
            case .whole: "whole"
            case .codes: "codes"
            case .scales: "scales"
            case .outerScales: "outer_scales"
            }
        }
    }

    package var factor: Role { Role(rawValue: rawValue & 0xFF) }
    package var part: Part? { Part(rawValue: UInt8(rawValue >> 8)) }

    package func part(_ part: Part) -> Role { Role(rawValue: factor.rawValue | UInt16(part.rawValue) << 8) }

    /// Whether its numbers are measured quantities, which bear rounding; places, masks and bytes do not.
    package var isFactor: Bool {
        ![.indices, .indicesA, .indicesB, .bitmap, .frame, .splices, .counts].contains(factor)
    }

    package static let all: [Role] = words.keys.sorted().map(Role.init(rawValue:))

    package var isKnown: Bool { Self.words[factor.rawValue] != nil && part != nil }

    package var word: String {
        let factorWord = Self.words[factor.rawValue] ?? "unknown-\(factor.rawValue)"
        switch part {
        case .whole?: return factorWord
        case let part?: return "\(factorWord).\(part.word)"
        case nil: return "\(factorWord).unknown-\(rawValue >> 8)"
        }
    }
}
