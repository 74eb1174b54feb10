/// The block before an entry of a tar (POSIX.1-2017, pax, "ustar Interchange Format").
struct TarHeader {
    enum Kind {
        case plain, folder
        /// Records for the next entry.
        case extended
    }

    struct Fault: Error {
        let what: String
    }

    let kind: Kind
    let name: String
    let size: Int

    /// Reads a block of 512 bytes that are not all zero.
    init(_ block: [UInt8]) throws(Fault) {
        guard Array(block[257..<262]) == Array("ustar".utf8) else { throw Fault(what: "it is no tar that is read") }
        let sum = block.indices.reduce(0) { $0 + (148..<156 ~= $1 ? 0x20 : Int(block[$1])) }
        guard Self.octal(block[148..<156]) == sum else { throw Fault(what: "a header's checksum is wrong") }
        guard let size = Self.octal(block[124..<136]) else { throw Fault(what: "an entry's size is no octal number") }
        kind = try Self.kind(block[156])
        self.size = size
        // Where GNU's tar has no prefix it keeps times.
        let hasPrefix = block[262] == 0
        guard let name = Self.text(block[0..<100]), let prefix = hasPrefix ? Self.text(block[345..<500]) : "" else {
            throw Fault(what: "an entry's name is not UTF-8")
        }
        self.name = prefix.isEmpty ? name : prefix + "/" + name
    }

    private static func kind(_ flag: UInt8) throws(Fault) -> Kind {
        let other: String
        switch flag {
        case 0, UInt8(ascii: "0"): return .plain
        case UInt8(ascii: "5"): return .folder
        case UInt8(ascii: "x"): return .extended
        case UInt8(ascii: "1"): other = "a hard link"
        case UInt8(ascii: "2"): other = "a symbolic link"
        case UInt8(ascii: "3"), UInt8(ascii: "4"): other = "a device"
        case UInt8(ascii: "6"): other = "a named pipe"
        case UInt8(ascii: "S"): other = "a sparse file"
        case UInt8(ascii: "L"), UInt8(ascii: "K"):
            other = "a long name as GNU's tar writes it; write it with --format=pax"
        default: other = "an entry of an unknown kind"
        }
        throw Fault(what: "it holds \(other)")
    }

    /// Octal digits between spaces, ended by a space, a zero byte or the field; nil for anything else and for what does not
    /// fit.
    private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.drop { $0 == UInt8(ascii: " ") }
        let number = digits.prefix { UInt8(ascii: "0")...UInt8(ascii: "7") ~= $0 }
        guard !number.isEmpty, digits.dropFirst(number.count).allSatisfy({ $0 == 0 || $0 == UInt8(ascii: " ") }) else {
            return nil
        }
        return number.reduce(0) { $0 << 3 | Int($1 - UInt8(ascii: "0")) }
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String? {
        String(validating: field.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// What an extended header says of the next entry, of all that it may say: its path and its size.
struct TarExtension {
    private(set) var path: String?
    private(set) var size: Int?
    private(set) var isEmpty = true

    init() {}

    /// Reads records `LENGTH KEY=VALUE`, each ended by a newline; nil for anything else, a key that comes twice among those
    /// that count, and a sparse file.
    init?(_ bytes: [UInt8]) {
        isEmpty = false
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: UInt8(ascii: " ")),
                let length = Self.decimal(rest[..<space]), length <= rest.count, rest.startIndex + length > space + 1,
                rest[rest.startIndex + length - 1] == UInt8(ascii: "\n")
            else { return nil }
            let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")),
                let key = String(validating: record[..<equals], as: UTF8.self), !key.hasPrefix("GNU.sparse.")
            else { return nil }
            let value = record[(equals + 1)...]
            if key == "path" {
                guard path == nil, let text = String(validating: value, as: UTF8.self) else { return nil }
                path = text
            } else if key == "size" {
                guard size == nil, let number = Self.decimal(value) else { return nil }
                size = number
            }
            rest = rest.dropFirst(length)
        }
    }

    /// Up to 18 digits.
    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...18).contains(digits.count) else { return nil }
        var value = 0
        for digit in digits {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return value
    }
}
