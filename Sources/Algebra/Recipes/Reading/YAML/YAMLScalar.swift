/// What a scalar of YAML 1.1 is, as PyYAML reads it: only what stands without quotes can be anything but a text.
enum YAMLScalar: Hashable, Sendable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)

    init(_ text: String, isPlain: Bool) {
        guard isPlain else {
            self = .text(text)
            return
        }
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": self = .flag(true)
        case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": self = .flag(false)
        default:
            if let number = Self.integer(text) ?? Self.decimal(text) {
                self = .number(number)
            } else {
                self = .text(text)
            }
        }
    }

    /// The number that it is or, as a text, spells: "1e-4" has no point, and so is a text.
    var number: Double? {
        switch self {
        case .number(let number): number
        case .text(let text):
            text.utf8.allSatisfy { Self.isDigit($0) || "+-.eE".utf8.contains($0) } ? Double(text) : nil
        default: nil
        }
    }

    /// What it is, for messages.
    var description: String {
        switch self {
        case .null: "nothing"
        case .flag(let flag): "\(flag)"
        case .number(let number): "\(number)"
        case .text(let text): "\"\(text)\""
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Decimal, 0x, 0b and octal behind a zero; underscores count for nothing. Numbers to the base of 60 stay texts.
    private static func integer(_ text: String) -> Double? {
        var digits = text[...]
        var sign = 1.0
        if let first = digits.first, first == "-" || first == "+" {
            sign = first == "-" ? -1 : 1
            digits.removeFirst()
        }
        var radix = 10
        if digits.hasPrefix("0x") || digits.hasPrefix("0b") {
            radix = digits.hasPrefix("0x") ? 16 : 2
            digits.removeFirst(2)
        } else if digits.utf8.count > 1, digits.first == "0" {
            radix = 8
            digits.removeFirst()
        } else {
            guard let first = digits.utf8.first, isDigit(first) else { return nil }
        }
        let plain = digits.filter { $0 != "_" }
        guard !plain.isEmpty, plain.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }) else { return nil }
        return Int(plain, radix: radix).map { sign * Double($0) }
    }

    /// With a point, and a sign behind the "e" where there is one.
    private static func decimal(_ text: String) -> Double? {
        switch text {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .infinity
        case "-.inf", "-.Inf", "-.INF": return -.infinity
        case ".nan", ".NaN", ".NAN": return .nan
        default: break
        }
        let bytes = Array(text.utf8)
        var index = 0
        if index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D { index += 1 }
        let begin = index
        while index < bytes.count, isDigit(bytes[index]) || (bytes[index] == 0x5F && index > begin) { index += 1 }
        guard index < bytes.count, bytes[index] == 0x2E else { return nil }
        let whole = index - begin
        index += 1
        let point = index
        while index < bytes.count, isDigit(bytes[index]) || bytes[index] == 0x5F { index += 1 }
        guard whole > 0 || index > point else { return nil }
        if index < bytes.count {
            guard bytes[index] == 0x65 || bytes[index] == 0x45, index + 2 < bytes.count,
                bytes[index + 1] == 0x2B || bytes[index + 1] == 0x2D, bytes[(index + 2)...].allSatisfy(isDigit)
            else { return nil }
        }
        return Double(String(decoding: bytes.filter { $0 != 0x5F }, as: UTF8.self))
    }
}
