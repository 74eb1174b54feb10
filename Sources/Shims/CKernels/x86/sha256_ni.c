// SHA-256 with the SHA extensions (Intel SDM, SHA256RNDS2; Gulley et al., "Intel SHA Extensions", 2013). An instruction
// does two rounds of one message; its latency is twice its cost or more, so messages run interleaved.
#include "../internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("sha,ssse3,sse4.1")))
#define INLINE static inline __attribute__((always_inline)) TARGET

/// The rounds of `streams` messages, a constant where this is inlined so that the loops over them dissolve.
INLINE void compress(
    uint32_t *const *states, const uint8_t *const *blocks, size_t count, const int streams) {
    const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    const __m128i *constants = (const __m128i *)(const void *)tenon_sha256_constants;
    // The instructions want the words of the state as ABEF and CDGH, from the highest to the lowest.
    __m128i abef[4], cdgh[4];
#pragma clang loop unroll(full)
    for (int s = 0; s < streams; s++) {
        __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)states[s]), 0xb1);
        __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(states[s] + 4)), 0x1b);
        abef[s] = _mm_alignr_epi8(low, high, 8);
        cdgh[s] = _mm_blend_epi16(high, low, 0xf0);
    }
    for (size_t block = 0; block < count; block++) {
        __m128i abef_before[4], cdgh_before[4], words[4][4];
#pragma clang loop unroll(full)
        for (int s = 0; s < streams; s++) {
            abef_before[s] = abef[s];
            cdgh_before[s] = cdgh[s];
        }
#pragma clang loop unroll(full)
        for (int four = 0; four < 16; four++) {
            __m128i constant = _mm_load_si128(constants + four);
#pragma clang loop unroll(full)
            for (int s = 0; s < streams; s++) {
                __m128i *w = words[s];
                if (four < 4) {
                    const void *source = blocks[s] + 64 * block + 16 * four;
                    w[four] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)source), big_endian);
                } else {
                    // Four words of the schedule, in a ring of four vectors.
                    __m128i last = w[(four + 3) & 3], before = w[(four + 2) & 3];
                    __m128i sum = _mm_sha256msg1_epu32(w[four & 3], w[(four + 1) & 3]);
                    sum = _mm_add_epi32(sum, _mm_alignr_epi8(last, before, 4));
                    w[four & 3] = _mm_sha256msg2_epu32(sum, last);
                }
                __m128i sums = _mm_add_epi32(w[four & 3], constant);
                cdgh[s] = _mm_sha256rnds2_epu32(cdgh[s], abef[s], sums);
                abef[s] = _mm_sha256rnds2_epu32(abef[s], cdgh[s], _mm_shuffle_epi32(sums, 0x0e));
            }
        }
#pragma clang loop unroll(full)
        for (int s = 0; s < streams; s++) {
            abef[s] = _mm_add_epi32(abef[s], abef_before[s]);
            cdgh[s] = _mm_add_epi32(cdgh[s], cdgh_before[s]);
        }
    }
#pragma clang loop unroll(full)
    for (int s = 0; s < streams; s++) {
        __m128i feba = _mm_shuffle_epi32(abef[s], 0x1b);
        __m128i dchg = _mm_shuffle_epi32(cdgh[s], 0xb1);
        _mm_storeu_si128((__m128i *)(void *)states[s], _mm_blend_epi16(feba, dchg, 0xf0));
        _mm_storeu_si128((__m128i *)(void *)(states[s] + 4), _mm_alignr_epi8(dchg, feba, 8));
    }
}

TARGET void tenon_sha256_ni(uint32_t *const *states, const uint8_t *const *blocks, size_t count) {
    compress(states, blocks, count, 1);
}

TARGET void tenon_sha256_ni2(uint32_t *const *states, const uint8_t *const *blocks, size_t count) {
    compress(states, blocks, count, 2);
}

TARGET void tenon_sha256_ni4(uint32_t *const *states, const uint8_t *const *blocks, size_t count) {
    compress(states, blocks, count, 4);
}

#endif
