// SHA-256 of eight messages, one in each lane of the AVX2 registers, for processors without the SHA extensions.
#include "../internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline)) TARGET

INLINE __m256i plus(__m256i a, __m256i b) {
    return _mm256_add_epi32(a, b);
}

INLINE __m256i either(__m256i a, __m256i b) {
    return _mm256_xor_si256(a, b);
}

/// A shift takes its count from the instruction, so this cannot be a function where nothing is inlined.
#define ROTATED(x, by) _mm256_or_si256(_mm256_srli_epi32(x, by), _mm256_slli_epi32(x, 32 - (by)))

INLINE __m256i big_sigma0(__m256i x) {
    return either(either(ROTATED(x, 2), ROTATED(x, 13)), ROTATED(x, 22));
}

INLINE __m256i big_sigma1(__m256i x) {
    return either(either(ROTATED(x, 6), ROTATED(x, 11)), ROTATED(x, 25));
}

INLINE __m256i small_sigma0(__m256i x) {
    return either(either(ROTATED(x, 7), ROTATED(x, 18)), _mm256_srli_epi32(x, 3));
}

INLINE __m256i small_sigma1(__m256i x) {
    return either(either(ROTATED(x, 17), ROTATED(x, 19)), _mm256_srli_epi32(x, 10));
}

INLINE __m256i choice(__m256i e, __m256i f, __m256i g) {
    return either(g, _mm256_and_si256(e, either(f, g)));
}

INLINE __m256i majority(__m256i a, __m256i b, __m256i c) {
    return either(b, _mm256_and_si256(either(a, b), either(b, c)));
}

/// Eight rows of eight words become their columns.
INLINE void transpose(__m256i rows[8]) {
    __m256i pairs[8], quads[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = _mm256_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_epi32(rows[i], rows[i + 1]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 4) {
        quads[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
        quads[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
        quads[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        quads[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
        rows[j] = _mm256_permute2x128_si256(quads[j], quads[4 + j], 0x20);
        rows[4 + j] = _mm256_permute2x128_si256(quads[j], quads[4 + j], 0x31);
    }
}

/// Sixteen rounds; all but the first sixteen make their words as they go. The state's roles turn by one each round.
INLINE void rounds(__m256i v[8], __m256i w[16], const uint32_t *constants, const bool first) {
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < 16; i++) {
        if (!first) {
            w[i] = plus(
                plus(w[i], small_sigma0(w[(i + 1) & 15])), plus(w[(i + 9) & 15], small_sigma1(w[(i + 14) & 15])));
        }
        __m256i a = v[(0 - i) & 7], b = v[(1 - i) & 7], c = v[(2 - i) & 7], e = v[(4 - i) & 7], f = v[(5 - i) & 7];
        __m256i g = v[(6 - i) & 7], h = v[(7 - i) & 7];
        h = plus(h, plus(w[i], _mm256_set1_epi32((int)constants[i])));
        h = plus(plus(h, choice(e, f, g)), big_sigma1(e));
        v[(3 - i) & 7] = plus(v[(3 - i) & 7], h);
        v[(7 - i) & 7] = plus(h, plus(big_sigma0(a), majority(a, b, c)));
    }
}

TARGET void tenon_sha256_avx2(uint32_t *const *states, const uint8_t *const *blocks, size_t count) {
    const __m256i big_endian =
        _mm256_broadcastsi128_si256(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    __m256i v[8], w[16];
#pragma clang loop unroll(full)
    for (int lane = 0; lane < 8; lane++) v[lane] = _mm256_loadu_si256((const __m256i *)(const void *)states[lane]);
    transpose(v);
    for (size_t block = 0; block < count; block++) {
#pragma clang loop unroll(full)
        for (int lane = 0; lane < 8; lane++) {
            const uint8_t *source = blocks[lane] + 64 * block;
            w[lane] = _mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)(const void *)source), big_endian);
            w[lane + 8] =
                _mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(source + 32)), big_endian);
        }
        transpose(w);
        transpose(w + 8);
        __m256i before[8];
#pragma clang loop unroll(full)
        for (int i = 0; i < 8; i++) before[i] = v[i];
        rounds(v, w, tenon_sha256_constants, true);
        for (int round = 16; round < 64; round += 16) rounds(v, w, tenon_sha256_constants + round, false);
#pragma clang loop unroll(full)
        for (int i = 0; i < 8; i++) v[i] = plus(v[i], before[i]);
    }
    transpose(v);
#pragma clang loop unroll(full)
    for (int lane = 0; lane < 8; lane++) _mm256_storeu_si256((__m256i *)(void *)states[lane], v[lane]);
}

#endif
