internal import CXXHash

/// XXH3-64: finds damage, proves nothing. Never an identity.
package enum XXH3 {
    package static func hash(_ bytes: RawSpan) -> UInt64 {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe XXH3_64bits(buffer.baseAddress, buffer.count)
        }
    }

    package static func hash(_ bytes: [UInt8]) -> UInt64 {
        let raw = unsafe bytes.span.bytes
        return hash(raw)
    }
}
