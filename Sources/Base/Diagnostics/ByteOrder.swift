#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension String {
    /// Whether its UTF-8 bytes come before `other`'s: the order of every sorted table in a file.
    package func precedesInBytes(_ other: String) -> Bool {
        unsafe utf8Span.span.bytes.withUnsafeBytes { a in
            unsafe other.utf8Span.span.bytes.withUnsafeBytes { b in
                let order = unsafe compare(a, b)
                return order != 0 ? order < 0 : a.count < b.count
            }
        }
    }

    /// Whether the UTF-8 bytes are the same; `==` also holds between different spellings of one character.
    package func equalsInBytes(_ other: String) -> Bool {
        unsafe utf8Span.span.bytes.withUnsafeBytes { a in
            unsafe other.utf8Span.span.bytes.withUnsafeBytes { b in
                unsafe a.count == b.count && compare(a, b) == 0
            }
        }
    }

    /// Feeds the bytes to a hasher, for types whose equality is that of bytes.
    package func hashBytes(into hasher: inout Hasher) {
        unsafe utf8Span.span.bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}

/// The order of as many bytes as both have.
private func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int32 {
    guard let first = a.baseAddress, let second = b.baseAddress else { return 0 }
    return unsafe memcmp(first, second, min(a.count, b.count))
}
