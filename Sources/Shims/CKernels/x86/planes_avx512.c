// Planes with AVX-512 BW, twice as wide as those of AVX2 and with rotations and 32-bit masks of their own.
#include "../internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))
#define INLINE static inline __attribute__((always_inline)) TARGET

/// The 64-bit pieces of a register so that what a pack or unpack did within quarters comes in order, and back.
INLINE __m512i evens_first(__m512i pieces) {
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), pieces);
}

INLINE __m512i halves_woven(__m512i pieces) {
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7), pieces);
}

// MARK: Elements of two bytes

INLINE size_t split_two(const uint8_t *source, size_t elements, const bool rotate, uint8_t *low, uint8_t *high) {
    const __m512i mask = _mm512_set1_epi16(0xff);
    size_t done = 0;
    for (; elements - done >= 64; done += 64) {
        __m512i a = _mm512_loadu_si512(source + 2 * done), b = _mm512_loadu_si512(source + 2 * done + 64);
        if (rotate) {
            a = _mm512_or_si512(_mm512_slli_epi16(a, 1), _mm512_srli_epi16(a, 15));
            b = _mm512_or_si512(_mm512_slli_epi16(b, 1), _mm512_srli_epi16(b, 15));
        }
        __m512i lows = _mm512_packus_epi16(_mm512_and_si512(a, mask), _mm512_and_si512(b, mask));
        __m512i highs = _mm512_packus_epi16(_mm512_srli_epi16(a, 8), _mm512_srli_epi16(b, 8));
        _mm512_storeu_si512(low + done, evens_first(lows));
        _mm512_storeu_si512(high + done, evens_first(highs));
    }
    return done;
}

INLINE size_t join_two(
    const uint8_t *low, const uint8_t *high, size_t elements, const bool rotate, uint8_t *target) {
    size_t done = 0;
    for (; elements - done >= 64; done += 64) {
        __m512i lows = halves_woven(_mm512_loadu_si512(low + done));
        __m512i highs = halves_woven(_mm512_loadu_si512(high + done));
        __m512i a = _mm512_unpacklo_epi8(lows, highs), b = _mm512_unpackhi_epi8(lows, highs);
        if (rotate) {
            a = _mm512_or_si512(_mm512_srli_epi16(a, 1), _mm512_slli_epi16(a, 15));
            b = _mm512_or_si512(_mm512_srli_epi16(b, 1), _mm512_slli_epi16(b, 15));
        }
        _mm512_storeu_si512(target + 2 * done, a);
        _mm512_storeu_si512(target + 2 * done + 64, b);
    }
    return done;
}

// MARK: Elements of four bytes

/// The 48 bytes that sixteen elements leave beside their exponents.
enum { REST = 0x0fff };

INLINE size_t split_exponent_four(const uint8_t *source, size_t elements, uint8_t *exponents, uint8_t *rest) {
    // Within a quarter: the low three bytes of four elements, then their top bytes.
    const __m512i sorted =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15));
    const __m512i gathered = _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
    size_t done = 0;
    for (; elements - done >= 16; done += 16) {
        __m512i bits = _mm512_rol_epi32(_mm512_loadu_si512(source + 4 * done), 1);
        bits = _mm512_permutexvar_epi32(gathered, _mm512_shuffle_epi8(bits, sorted));
        _mm512_mask_storeu_epi32(rest + 3 * done, REST, bits);
        _mm_storeu_si128((__m128i *)(void *)(exponents + done), _mm512_extracti32x4_epi32(bits, 3));
    }
    return done;
}

INLINE size_t join_exponent_four(const uint8_t *exponents, const uint8_t *rest, size_t elements, uint8_t *target) {
    const __m512i spread = _mm512_setr_epi32(0, 1, 2, 12, 3, 4, 5, 13, 6, 7, 8, 14, 9, 10, 11, 15);
    const __m512i sorted =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 12, 3, 4, 5, 13, 6, 7, 8, 14, 9, 10, 11, 15));
    size_t done = 0;
    for (; elements - done >= 16; done += 16) {
        __m128i tops = _mm_loadu_si128((const __m128i *)(const void *)(exponents + done));
        __m512i bits = _mm512_inserti32x4(_mm512_maskz_loadu_epi32(REST, rest + 3 * done), tops, 3);
        bits = _mm512_shuffle_epi8(_mm512_permutexvar_epi32(spread, bits), sorted);
        _mm512_storeu_si512(target + 4 * done, _mm512_ror_epi32(bits, 1));
    }
    return done;
}

/// Byte k of four elements goes to the k-th quarter of each quarter, and back.
INLINE __m512i transposed(__m512i bytes) {
    return _mm512_shuffle_epi8(
        bytes, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
}

/// Word j of quarter q goes to word q of quarter j, and back.
INLINE __m512i quarters_woven(__m512i words) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), words);
}

INLINE size_t split_bytes_four(const uint8_t *source, size_t elements, uint8_t *planes) {
    size_t done = 0;
    for (; elements - done >= 64; done += 64) {
        const uint8_t *from = source + 4 * done;
        __m512i a = transposed(_mm512_loadu_si512(from)), b = transposed(_mm512_loadu_si512(from + 64));
        __m512i c = transposed(_mm512_loadu_si512(from + 128)), d = transposed(_mm512_loadu_si512(from + 192));
        __m512i ab01 = _mm512_unpacklo_epi32(a, b), ab23 = _mm512_unpackhi_epi32(a, b);
        __m512i cd01 = _mm512_unpacklo_epi32(c, d), cd23 = _mm512_unpackhi_epi32(c, d);
        uint8_t *to = planes + done;
        _mm512_storeu_si512(to, quarters_woven(_mm512_unpacklo_epi64(ab01, cd01)));
        _mm512_storeu_si512(to + elements, quarters_woven(_mm512_unpackhi_epi64(ab01, cd01)));
        _mm512_storeu_si512(to + 2 * elements, quarters_woven(_mm512_unpacklo_epi64(ab23, cd23)));
        _mm512_storeu_si512(to + 3 * elements, quarters_woven(_mm512_unpackhi_epi64(ab23, cd23)));
    }
    return done;
}

INLINE size_t join_bytes_four(const uint8_t *planes, size_t elements, uint8_t *target) {
    size_t done = 0;
    for (; elements - done >= 64; done += 64) {
        const uint8_t *from = planes + done;
        __m512i p0 = quarters_woven(_mm512_loadu_si512(from));
        __m512i p1 = quarters_woven(_mm512_loadu_si512(from + elements));
        __m512i p2 = quarters_woven(_mm512_loadu_si512(from + 2 * elements));
        __m512i p3 = quarters_woven(_mm512_loadu_si512(from + 3 * elements));
        __m512i ab01 = _mm512_unpacklo_epi32(p0, p1), ab23 = _mm512_unpacklo_epi32(p2, p3);
        __m512i cd01 = _mm512_unpackhi_epi32(p0, p1), cd23 = _mm512_unpackhi_epi32(p2, p3);
        uint8_t *to = target + 4 * done;
        _mm512_storeu_si512(to, transposed(_mm512_unpacklo_epi64(ab01, ab23)));
        _mm512_storeu_si512(to + 64, transposed(_mm512_unpackhi_epi64(ab01, ab23)));
        _mm512_storeu_si512(to + 128, transposed(_mm512_unpacklo_epi64(cd01, cd23)));
        _mm512_storeu_si512(to + 192, transposed(_mm512_unpackhi_epi64(cd01, cd23)));
    }
    return done;
}

// MARK: The bodies

TARGET size_t tenon_split_exponent_avx512(
    const uint8_t *source, size_t elements, size_t width, uint8_t *exponents, uint8_t *rest) {
    return width == 2 ? split_two(source, elements, true, rest, exponents)
                      : split_exponent_four(source, elements, exponents, rest);
}

TARGET size_t tenon_join_exponent_avx512(
    const uint8_t *exponents, const uint8_t *rest, size_t elements, size_t width, uint8_t *target) {
    return width == 2 ? join_two(rest, exponents, elements, true, target)
                      : join_exponent_four(exponents, rest, elements, target);
}

TARGET size_t tenon_split_bytes_avx512(const uint8_t *source, size_t elements, size_t width, uint8_t *planes) {
    return width == 2 ? split_two(source, elements, false, planes, planes + elements)
                      : split_bytes_four(source, elements, planes);
}

TARGET size_t tenon_join_bytes_avx512(const uint8_t *planes, size_t elements, size_t width, uint8_t *target) {
    return width == 2 ? join_two(planes, planes + elements, elements, false, target)
                      : join_bytes_four(planes, elements, target);
}

#endif
