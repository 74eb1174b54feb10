import CKernels
import Testing

/// The limit on instruction sets is the process's, so these tests take turns. Others that run meanwhile may move it;
/// then a body goes untested in that run, but no result changes.
@Suite("SHA-256 kernels", .serialized)
struct SHA256KernelTests {
    static let limits = [
        TENON_SIMD_PORTABLE, TENON_SIMD_NEON, TENON_SIMD_AVX2, TENON_SIMD_AVX512,
        TENON_SIMD_AVX2 | TENON_SIMD_PLAIN, TENON_SIMD_AVX512 | TENON_SIMD_PLAIN,
    ]

    @Test("the vectors of FIPS 180-4, alone and in a batch", arguments: limits)
    func knownAnswers(limit: Int) {
        let vectors = [
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ]
        limited(to: limit) {
            for (text, expected) in vectors {
                #expect(hexadecimal(digest(of: Array(text.utf8))) == expected)
            }
            // More than the lanes of any body; the long one stays when the others have ended.
            let texts = [vectors[3]] + (0..<20).map { vectors[$0 % 3] }
            let digests = digests(of: texts.map { Array($0.0.utf8) })
            #expect(digests.map(hexadecimal) == texts.map(\.1))
        }
    }

    @Test("a batch of every length to 300 equals one message at a time", arguments: limits, [-1, 0, 0xff])
    func shortMessages(limit: Int, prefix: Int) {
        var random = Random(seed: 1)
        let messages = (0...300).map { random.bytes($0) }
        let expected = messages.map { expectedDigest(of: $0, prefix: prefix) }
        let actual = limited(to: limit) { digests(of: messages, prefix: prefix) }
        #expect(actual == expected)
    }

    @Test(
        "batches of many sizes, long messages among short ones", arguments: [1, 2, 3, 4, 5, 8, 9, 10, 16, 17, 25, 40])
    func mixedMessages(count: Int) {
        var random = Random(seed: UInt64(count))
        let noise = random.bytes(66_000)
        let messages = (0..<count).map { _ in
            let size = random.below(8) == 0 ? 65_400 + random.below(300) : random.below(400)
            return Array(noise[random.below(300)...].prefix(size))
        }
        let prefix = random.below(3) - 1
        let expected = messages.map { expectedDigest(of: $0, prefix: prefix) }
        for limit in Self.limits {
            let actual = limited(to: limit) { digests(of: messages, prefix: prefix) }
            #expect(actual == expected, "limit \(limit), prefix \(prefix)")
        }
    }

    @Test("an empty batch is nothing to do")
    func emptyBatch() {
        #expect(digests(of: []).isEmpty)
    }

    @Test("pieces of any size give the digest of the whole", arguments: limits)
    func pieces(limit: Int) {
        var random = Random(seed: 3)
        for count in [0, 1, 55, 56, 63, 64, 65, 119, 128, 1000, 10_000] {
            let message = random.bytes(count)
            let whole = limited(to: TENON_SIMD_PORTABLE) { digest(of: message) }
            limited(to: limit) {
                for largest in [1, 64, 150] {
                    let sizes = (0...count).map { _ in random.below(largest + 1) }
                    #expect(digest(of: message, inPieces: sizes) == whole, "\(count) bytes, up to \(largest)")
                }
            }
        }
    }

    @Test("there is always at least one lane, and a name for every level")
    func names() {
        for limit in Self.limits {
            limited(to: limit) {
                #expect((1...16).contains(tenon_sha256_lanes()))
            }
        }
        let names = (0...3).map { unsafe String(cString: tenon_simd_name($0)) }
        #expect(names == ["portable", "neon", "avx2", "avx512"])
    }
}

// MARK: Calling the kernels

private func limited<Result>(to limit: Int, _ body: () -> Result) -> Result {
    tenon_simd_limit(Int32(limit))
    defer { tenon_simd_limit(Int32(TENON_SIMD_AVX512)) }
    return body()
}

private func expectedDigest(of message: [UInt8], prefix: Int) -> [UInt8] {
    limited(to: TENON_SIMD_PORTABLE) { digest(of: prefix < 0 ? message : [UInt8(prefix)] + message) }
}

/// Feeds pieces of the given sizes, then what is left.
private func digest(of message: [UInt8], inPieces sizes: [Int] = []) -> [UInt8] {
    var hash = tenon_sha256()
    var digest = [UInt8](repeating: 0, count: 32)
    unsafe tenon_sha256_begin(&hash)
    var rest = message[...]
    for size in sizes + [message.count] {
        let piece = rest.prefix(size)
        unsafe piece.withUnsafeBytes { unsafe tenon_sha256_update(&hash, $0.baseAddress, $0.count) }
        rest = rest.dropFirst(size)
    }
    unsafe tenon_sha256_end(&hash, &digest)
    return digest
}

/// The messages lie one after the other, so that they start at any alignment.
private func digests(of messages: [[UInt8]], prefix: Int = -1) -> [[UInt8]] {
    let bytes = Array(messages.joined())
    var digests = [UInt8](repeating: 0, count: 32 * messages.count)
    unsafe bytes.withUnsafeBufferPointer { bytes in
        var batch: [tenon_message] = unsafe []
        var at = 0
        for message in messages {
            unsafe batch.append(tenon_message(bytes: bytes.baseAddress.map { unsafe $0 + at }, count: message.count))
            at += message.count
        }
        unsafe digests.withUnsafeMutableBytes { digests in
            unsafe tenon_sha256_many(batch, batch.count, Int32(prefix), digests.baseAddress.map { unsafe rebound($0) })
        }
    }
    return (0..<messages.count).map { Array(digests[32 * $0..<32 * ($0 + 1)]) }
}

/// Spares spelling out a tuple of 32 bytes.
private func rebound<Element>(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Element> {
    unsafe pointer.assumingMemoryBound(to: Element.self)
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// SplitMix64: the same bytes in every run.
private struct Random {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    mutating func below(_ bound: Int) -> Int {
        Int(next() % UInt64(bound))
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}
