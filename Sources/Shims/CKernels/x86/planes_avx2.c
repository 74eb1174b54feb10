// Planes with AVX2, 32 elements of two bytes or 8 to 32 of four at a time. Its shuffles stay within halves of a
// register, so each split sorts bytes within the halves first and then moves 32- or 64-bit pieces across.
#include "../internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline)) TARGET

INLINE __m256i load(const uint8_t *source) {
    return _mm256_loadu_si256((const __m256i *)(const void *)source);
}

INLINE void store(uint8_t *target, __m256i bytes) {
    _mm256_storeu_si256((__m256i *)(void *)target, bytes);
}

INLINE __m256i twice(__m128i half) {
    return _mm256_broadcastsi128_si256(half);
}

// MARK: Elements of two bytes

INLINE size_t split_two(const uint8_t *source, size_t elements, const bool rotate, uint8_t *low, uint8_t *high) {
    const __m256i mask = _mm256_set1_epi16(0xff);
    size_t done = 0;
    for (; elements - done >= 32; done += 32) {
        __m256i a = load(source + 2 * done), b = load(source + 2 * done + 32);
        if (rotate) {
            a = _mm256_or_si256(_mm256_slli_epi16(a, 1), _mm256_srli_epi16(a, 15));
            b = _mm256_or_si256(_mm256_slli_epi16(b, 1), _mm256_srli_epi16(b, 15));
        }
        __m256i lows = _mm256_packus_epi16(_mm256_and_si256(a, mask), _mm256_and_si256(b, mask));
        __m256i highs = _mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8));
        store(low + done, _mm256_permute4x64_epi64(lows, 0xd8));
        store(high + done, _mm256_permute4x64_epi64(highs, 0xd8));
    }
    return done;
}

INLINE size_t join_two(
    const uint8_t *low, const uint8_t *high, size_t elements, const bool rotate, uint8_t *target) {
    size_t done = 0;
    for (; elements - done >= 32; done += 32) {
        __m256i lows = _mm256_permute4x64_epi64(load(low + done), 0xd8);
        __m256i highs = _mm256_permute4x64_epi64(load(high + done), 0xd8);
        __m256i a = _mm256_unpacklo_epi8(lows, highs), b = _mm256_unpackhi_epi8(lows, highs);
        if (rotate) {
            a = _mm256_or_si256(_mm256_srli_epi16(a, 1), _mm256_slli_epi16(a, 15));
            b = _mm256_or_si256(_mm256_srli_epi16(b, 1), _mm256_slli_epi16(b, 15));
        }
        store(target + 2 * done, a);
        store(target + 2 * done + 32, b);
    }
    return done;
}

// MARK: Elements of four bytes

INLINE size_t split_exponent_four(const uint8_t *source, size_t elements, uint8_t *exponents, uint8_t *rest) {
    // Within a half: the low three bytes of four elements, then their top bytes.
    const __m256i sorted = twice(_mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15));
    const __m256i gathered = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
    size_t done = 0;
    for (; elements - done >= 8; done += 8) {
        __m256i bits = load(source + 4 * done);
        bits = _mm256_or_si256(_mm256_slli_epi32(bits, 1), _mm256_srli_epi32(bits, 31));
        bits = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(bits, sorted), gathered);
        __m128i high = _mm256_extracti128_si256(bits, 1);
        _mm_storeu_si128((__m128i *)(void *)(rest + 3 * done), _mm256_castsi256_si128(bits));
        _mm_storeu_si64(rest + 3 * done + 16, high);
        _mm_storeu_si64(exponents + done, _mm_unpackhi_epi64(high, high));
    }
    return done;
}

INLINE size_t join_exponent_four(const uint8_t *exponents, const uint8_t *rest, size_t elements, uint8_t *target) {
    const __m256i spread = _mm256_setr_epi32(0, 1, 2, 6, 3, 4, 5, 7);
    const __m256i sorted = twice(_mm_setr_epi8(0, 1, 2, 12, 3, 4, 5, 13, 6, 7, 8, 14, 9, 10, 11, 15));
    size_t done = 0;
    for (; elements - done >= 8; done += 8) {
        __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(rest + 3 * done));
        __m128i high = _mm_unpacklo_epi64(_mm_loadu_si64(rest + 3 * done + 16), _mm_loadu_si64(exponents + done));
        __m256i bits = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        bits = _mm256_shuffle_epi8(_mm256_permutevar8x32_epi32(bits, spread), sorted);
        store(target + 4 * done, _mm256_or_si256(_mm256_srli_epi32(bits, 1), _mm256_slli_epi32(bits, 31)));
    }
    return done;
}

/// Byte k of four elements goes to the k-th quarter of a half, and back.
INLINE __m256i transposed(__m256i bytes) {
    return _mm256_shuffle_epi8(bytes, twice(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
}

INLINE size_t split_bytes_four(const uint8_t *source, size_t elements, uint8_t *planes) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    size_t done = 0;
    for (; elements - done >= 32; done += 32) {
        const uint8_t *from = source + 4 * done;
        __m256i a = transposed(load(from)), b = transposed(load(from + 32));
        __m256i c = transposed(load(from + 64)), d = transposed(load(from + 96));
        __m256i ab01 = _mm256_unpacklo_epi32(a, b), ab23 = _mm256_unpackhi_epi32(a, b);
        __m256i cd01 = _mm256_unpacklo_epi32(c, d), cd23 = _mm256_unpackhi_epi32(c, d);
        uint8_t *to = planes + done;
        store(to, _mm256_permutevar8x32_epi32(_mm256_unpacklo_epi64(ab01, cd01), order));
        store(to + elements, _mm256_permutevar8x32_epi32(_mm256_unpackhi_epi64(ab01, cd01), order));
        store(to + 2 * elements, _mm256_permutevar8x32_epi32(_mm256_unpacklo_epi64(ab23, cd23), order));
        store(to + 3 * elements, _mm256_permutevar8x32_epi32(_mm256_unpackhi_epi64(ab23, cd23), order));
    }
    return done;
}

INLINE size_t join_bytes_four(const uint8_t *planes, size_t elements, uint8_t *target) {
    const __m256i order = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
    size_t done = 0;
    for (; elements - done >= 32; done += 32) {
        const uint8_t *from = planes + done;
        __m256i p0 = _mm256_permutevar8x32_epi32(load(from), order);
        __m256i p1 = _mm256_permutevar8x32_epi32(load(from + elements), order);
        __m256i p2 = _mm256_permutevar8x32_epi32(load(from + 2 * elements), order);
        __m256i p3 = _mm256_permutevar8x32_epi32(load(from + 3 * elements), order);
        __m256i ab01 = _mm256_unpacklo_epi32(p0, p1), ab23 = _mm256_unpacklo_epi32(p2, p3);
        __m256i cd01 = _mm256_unpackhi_epi32(p0, p1), cd23 = _mm256_unpackhi_epi32(p2, p3);
        uint8_t *to = target + 4 * done;
        store(to, transposed(_mm256_unpacklo_epi64(ab01, ab23)));
        store(to + 32, transposed(_mm256_unpackhi_epi64(ab01, ab23)));
        store(to + 64, transposed(_mm256_unpacklo_epi64(cd01, cd23)));
        store(to + 96, transposed(_mm256_unpackhi_epi64(cd01, cd23)));
    }
    return done;
}

// MARK: The bodies

TARGET size_t tenon_split_exponent_avx2(
    const uint8_t *source, size_t elements, size_t width, uint8_t *exponents, uint8_t *rest) {
    return width == 2 ? split_two(source, elements, true, rest, exponents)
                      : split_exponent_four(source, elements, exponents, rest);
}

TARGET size_t tenon_join_exponent_avx2(
    const uint8_t *exponents, const uint8_t *rest, size_t elements, size_t width, uint8_t *target) {
    return width == 2 ? join_two(rest, exponents, elements, true, target)
                      : join_exponent_four(exponents, rest, elements, target);
}

TARGET size_t tenon_split_bytes_avx2(const uint8_t *source, size_t elements, size_t width, uint8_t *planes) {
    return width == 2 ? split_two(source, elements, false, planes, planes + elements)
                      : split_bytes_four(source, elements, planes);
}

TARGET size_t tenon_join_bytes_avx2(const uint8_t *planes, size_t elements, size_t width, uint8_t *target) {
    return width == 2 ? join_two(planes, planes + elements, elements, false, target)
                      : join_bytes_four(planes, elements, target);
}

#endif
