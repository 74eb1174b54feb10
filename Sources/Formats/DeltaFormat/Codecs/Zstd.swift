internal import CZstd
import Diagnostics

/// How hard to look for matches.
package enum Effort: Hashable, Sendable {
    /// No matches at all, only an entropy code: right for skewed noise such as exponents.
    case entropy
    case level(Int32)
}

/// A compression context, used by one lane at a time.
@safe
final class ZstdEncoder: @unchecked Sendable {
    private let context: OpaquePointer
    private var effort: Effort?

    init() throws(Failure) {
        guard let context = unsafe ZSTD_createCCtx() else { throw Failure(.outOfMemory, "no memory for a compressor") }
        unsafe self.context = context
    }

    deinit {
        unsafe ZSTD_freeCCtx(context)
    }

    /// Compresses `source` into `target` as one frame; nil if it would not be smaller than `target`.
    func encode(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, effort: Effort) -> Int? {
        if effort != self.effort { configure(effort) }
        let size = unsafe ZSTD_compress2(context, target.baseAddress, target.count, source.baseAddress, source.count)
        return ZSTD_isError(size) == 0 ? size : nil
    }

    /// The same by an entropy code alone that begins anew at every end of a segment; decoders need not know.
    func encode(
        _ source: UnsafeRawBufferPointer, segments: [Int], into target: UnsafeMutableRawBufferPointer
    ) -> Int? {
        if effort != .entropy { configure(.entropy) }
        unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_only)
        guard unsafe ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(context, UInt64(source.count))) == 0 else { return nil }
        var output = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
        var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: 0, pos: 0)
        for end in segments + [source.count] {
            unsafe input.size = end
            let isLast = end == source.count
            var rest = 1
            while rest != 0 {
                let before = unsafe output.pos
                unsafe rest = ZSTD_compressStream2(context, &output, &input, isLast ? ZSTD_e_end : ZSTD_e_flush)
                guard ZSTD_isError(rest) == 0, unsafe rest == 0 || output.pos > before else { return nil }
            }
            if isLast { break }
        }
        return unsafe output.pos
    }

    private func configure(_ effort: Effort) {
        // A frame that did not fit leaves the session open, and then parameters could not be set.
        unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters)
        func set(_ parameter: ZSTD_cParameter, _ value: Int32) {
            _ = unsafe ZSTD_CCtx_setParameter(context, parameter, value)
        }
        set(ZSTD_c_contentSizeFlag, 1)
        set(ZSTD_c_checksumFlag, 0)
        set(ZSTD_c_dictIDFlag, 0)
        switch effort {
        case .entropy:
            // A minimum match of 7 and the greatest acceleration leave nothing but literals, Huffman-coded.
            set(ZSTD_c_compressionLevel, 1)
            set(ZSTD_c_strategy, Int32(ZSTD_fast.rawValue))
            set(ZSTD_c_minMatch, 7)
            set(ZSTD_c_targetLength, 131_072)
            set(ZSTD_c_experimentalParam5, Int32(ZSTD_ps_enable.rawValue))
        case .level(let level):
            set(ZSTD_c_compressionLevel, level)
            set(ZSTD_c_windowLog, min(23, 21 + (level > 9 ? 2 : 0)))
        }
        self.effort = effort
    }
}

/// A decompression context, used by one lane at a time.
@safe
final class ZstdDecoder: @unchecked Sendable {
    private let context: OpaquePointer

    init() throws(Failure) {
        guard let context = unsafe ZSTD_createDCtx() else {
            throw Failure(.outOfMemory, "no memory for a decompressor")
        }
        unsafe self.context = context
    }

    deinit {
        unsafe ZSTD_freeDCtx(context)
    }

    /// Decodes one frame that must fill `target` exactly.
    func decode(_ frame: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) throws(Failure) {
        try unsafe ZstdFrame.check(frame, contentSize: target.count)
        let size = unsafe ZSTD_decompressDCtx(
            context, target.baseAddress, target.count, frame.baseAddress, frame.count)
        guard ZSTD_isError(size) == 0, size == target.count else {
            let reason = ZSTD_isError(size) == 0 ? "\(size) bytes" : unsafe String(cString: ZSTD_getErrorName(size))
            throw Failure(
                .badFrame, "a frame does not decode to its plane", expected: "\(target.count) bytes", actual: reason)
        }
    }
}

/// What a frame must look like before a decoder sees it (RFC 8878 §3.1.1).
enum ZstdFrame {
    /// One frame, exactly as long as its bytes, of the content size expected, with a bounded window, without
    /// dictionary, checksum or reserved bits. Legacy and skippable frames are refused whatever the library can read.
    static func check(_ frame: UnsafeRawBufferPointer, contentSize: Int) throws(Failure) {
        func refuse(_ what: String) -> Failure { Failure(.badFrame, "a zstd frame \(what)") }
        guard frame.count >= 6, unsafe frame.loadUnaligned(as: UInt32.self).littleEndian == 0xFD2F_B528 else {
            throw refuse("does not begin as one")
        }
        let descriptor = unsafe frame[4]
        let isSingleSegment = descriptor & 0x20 != 0
        guard descriptor & 0x0F == 0 else { throw refuse("has a dictionary, a checksum or a reserved bit") }
        var position = 5
        var window: Int?
        if !isSingleSegment {
            let byte = Int(unsafe frame[5])
            let base = 1 << (10 + byte >> 3)
            window = base + base / 8 * (byte & 7)
            position = 6
        }
        let sizeField = [isSingleSegment ? 1 : 0, 2, 4, 8][Int(descriptor >> 6)]
        guard sizeField > 0, frame.count >= position + sizeField else {
            throw refuse("does not state its content size")
        }
        var size: UInt64 = 0
        for index in (0..<sizeField).reversed() { size = unsafe size << 8 | UInt64(frame[position + index]) }
        if sizeField == 2 { size += 256 }
        guard size == contentSize else {
            throw Failure(
                .badFrame, "a zstd frame states another content size than its plane has", expected: "\(contentSize)",
                actual: "\(size)")
        }
        guard window ?? contentSize <= Limits.zstdWindow else { throw refuse("needs a window above 8 MiB") }
        guard unsafe ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count) == frame.count else {
            throw refuse("is not as long as the bytes stored for it")
        }
    }
}
