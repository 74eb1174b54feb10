// SHA-256 of sixteen messages, one in each lane of the AVX-512 registers: a rotation and any function of three words
// are one instruction each (VPROLD, VPTERNLOGD).
#include "../internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))
#define INLINE static inline __attribute__((always_inline)) TARGET

// The truth tables of VPTERNLOGD for FIPS 180-4, 4.1.2.
enum { XOR3 = 0x96, CHOICE = 0xca, MAJORITY = 0xe8 };

INLINE __m512i plus(__m512i a, __m512i b) {
    return _mm512_add_epi32(a, b);
}

INLINE __m512i big_sigma0(__m512i x) {
    return _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, 2), _mm512_ror_epi32(x, 13), _mm512_ror_epi32(x, 22), XOR3);
}

INLINE __m512i big_sigma1(__m512i x) {
    return _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, 6), _mm512_ror_epi32(x, 11), _mm512_ror_epi32(x, 25), XOR3);
}

INLINE __m512i small_sigma0(__m512i x) {
    return _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, 7), _mm512_ror_epi32(x, 18), _mm512_srli_epi32(x, 3), XOR3);
}

INLINE __m512i small_sigma1(__m512i x) {
    return _mm512_ternarylogic_epi32(
        _mm512_ror_epi32(x, 17), _mm512_ror_epi32(x, 19), _mm512_srli_epi32(x, 10), XOR3);
}

/// Sixteen rows of sixteen words become their columns.
INLINE void transpose(__m512i rows[16]) {
    __m512i pairs[16], quads[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 2) {
        pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    // In quads[4k + j], each quarter q holds word 4q + j of the rows 4k to 4k + 3.
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 4) {
        quads[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
        quads[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
        quads[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        quads[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
        __m512i even_low = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0x88);
        __m512i odd_low = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0xdd);
        __m512i even_high = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0x88);
        __m512i odd_high = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0xdd);
        rows[j] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
        rows[4 + j] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
        rows[8 + j] = _mm512_shuffle_i32x4(even_low, even_high, 0xdd);
        rows[12 + j] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd);
    }
}

/// Sixteen rounds; all but the first sixteen make their words as they go. The state's roles turn by one each round.
INLINE void rounds(__m512i v[16], __m512i w[16], const uint32_t *constants, const bool first) {
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < 16; i++) {
        if (!first) {
            w[i] = plus(
                plus(w[i], small_sigma0(w[(i + 1) & 15])), plus(w[(i + 9) & 15], small_sigma1(w[(i + 14) & 15])));
        }
        __m512i a = v[(0 - i) & 7], b = v[(1 - i) & 7], c = v[(2 - i) & 7], e = v[(4 - i) & 7], f = v[(5 - i) & 7];
        __m512i g = v[(6 - i) & 7], h = v[(7 - i) & 7];
        h = plus(h, plus(w[i], _mm512_set1_epi32((int)constants[i])));
        h = plus(plus(h, _mm512_ternarylogic_epi32(e, f, g, CHOICE)), big_sigma1(e));
        v[(3 - i) & 7] = plus(v[(3 - i) & 7], h);
        v[(7 - i) & 7] = plus(h, plus(big_sigma0(a), _mm512_ternarylogic_epi32(a, b, c, MAJORITY)));
    }
}

TARGET void tenon_sha256_avx512(uint32_t *const *states, const uint8_t *const *blocks, size_t count) {
    const __m512i big_endian =
        _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
    // A state fills half a row; the eight rows that would come of the other halves stay zero.
    __m512i v[16], w[16];
#pragma clang loop unroll(full)
    for (int lane = 0; lane < 16; lane++) v[lane] = _mm512_maskz_loadu_epi32(0x00ff, states[lane]);
    transpose(v);
    for (size_t block = 0; block < count; block++) {
#pragma clang loop unroll(full)
        for (int lane = 0; lane < 16; lane++) {
            w[lane] = _mm512_shuffle_epi8(_mm512_loadu_si512(blocks[lane] + 64 * block), big_endian);
        }
        transpose(w);
        __m512i before[8];
#pragma clang loop unroll(full)
        for (int i = 0; i < 8; i++) before[i] = v[i];
        rounds(v, w, tenon_sha256_constants, true);
        for (int round = 16; round < 64; round += 16) rounds(v, w, tenon_sha256_constants + round, false);
#pragma clang loop unroll(full)
        for (int i = 0; i < 8; i++) v[i] = plus(v[i], before[i]);
    }
    transpose(v);
#pragma clang loop unroll(full)
    for (int lane = 0; lane < 16; lane++) _mm512_mask_storeu_epi32(states[lane], 0x00ff, v[lane]);
}

#endif
