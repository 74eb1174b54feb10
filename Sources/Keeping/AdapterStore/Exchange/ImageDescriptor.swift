import Diagnostics
import Digests
import JSON

/// What points at a blob of an image layout.
///
/// Places on the network (`urls`) are never looked at; a copy of the blob (`data`) must be that blob and is not used.
struct ImageDescriptor {
    var mediaType: String
    var digest: Digest
    /// In bytes.
    var size: Int
    var artifactType: String?
    /// In the order of their keys.
    var annotations: [(key: String, value: String)] = []

    func annotation(_ key: String) -> String? { annotations.first { $0.key == key }?.value }

    var document: JSONValue {
        var object = JSONObject()
        object["mediaType"] = .string(mediaType)
        object["digest"] = .string("sha256:\(digest)")
        object["size"] = JSONValue(size)
        object["annotations"] = annotations.isEmpty ? nil : .pairs(annotations)
        object["artifactType"] = artifactType.map { .string($0) }
        return .object(object)
    }
}

extension ImageDescriptor {
    /// Reads one; throws ``Failure/Code/importRejected`` for what is none.
    ///
    /// - Parameters:
    ///   - place: Where it stands, for messages.
    ///   - path: The layout.
    init(_ document: JSONValue?, in place: String, path: String) throws(Failure) {
        guard let document = document?.object, let mediaType = document["mediaType"]?.string,
            let text = document["digest"]?.string, let size = document["size"]?.int, size >= 0
        else {
            throw Failure.importRejected(
                "a descriptor lacks its media type, digest or size", path: path, object: place)
        }
        guard text.hasPrefix("sha256:"), let digest = Digest(hexadecimal: text.dropFirst(7)) else {
            throw Failure.importRejected(
                "a blob's digest is none that is known", path: path, object: place,
                expected: "sha256: and 64 hexadecimal digits", actual: text)
        }
        self.init(mediaType: mediaType, digest: digest, size: size, artifactType: document["artifactType"]?.string)
        if let data = document["data"] {
            guard let bytes = data.string.flatMap({ [UInt8](base64: $0) }) else {
                throw Failure.importRejected("a descriptor's data are not Base64", path: path, object: place)
            }
            guard bytes.count == size, SHA256.hash(bytes) == digest else {
                throw Failure(
                    .digestMismatch, "a descriptor's data are another blob", object: place, path: path,
                    expected: "\(digest)", actual: "\(SHA256.hash(bytes))")
            }
        }
        guard let pairs = document["annotations"] else { return }
        for (key, value) in pairs.object?.members ?? [] {
            guard let value = value.string else { break }
            annotations.append((key, value))
        }
        guard let count = pairs.object?.count, count == annotations.count else {
            throw Failure.importRejected("annotations are no texts", path: path, object: place)
        }
    }
}

extension JSONValue {
    /// An object of texts, sorted by key.
    static func pairs(_ pairs: [(key: String, value: String)]) -> JSONValue {
        var object = JSONObject()
        for (key, value) in pairs.sorted(by: { $0.key.precedesInBytes($1.key) }) { object[key] = .string(value) }
        return .object(object)
    }
}

extension [UInt8] {
    /// Reads Base64 with its padding (RFC 4648, section 4); nil for anything else.
    fileprivate init?(base64 text: String) {
        self = []
        let digits = Array(text.utf8)
        guard digits.count % 4 == 0 else { return nil }
        for start in stride(from: 0, to: digits.count, by: 4) {
            let padding =
                start + 4 == digits.count ? digits[start...].reversed().prefix { $0 == UInt8(ascii: "=") }.count : 0
            var group: UInt32 = 0
            for digit in digits[start..<start + 4 - Swift.min(padding, 3)] {
                guard let value = Self.sextet(digit) else { return nil }
                group = group << 6 | value
            }
            guard padding <= 2 else { return nil }
            group <<= UInt32(6 * padding)
            guard group & ((1 << UInt32(8 * padding)) - 1) == 0 else { return nil }
            append(UInt8(truncatingIfNeeded: group >> 16))
            if padding < 2 { append(UInt8(truncatingIfNeeded: group >> 8)) }
            if padding < 1 { append(UInt8(truncatingIfNeeded: group)) }
        }
    }

    private static func sextet(_ digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
