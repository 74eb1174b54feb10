// The order of the kind `exact` for elements of two bytes with AVX-512 VBMI2: of 32 elements, those of one bucket are
// pushed together by one instruction, or drawn apart. The buckets that most elements are in go so, the rest one by one.
#include "../internal.h"
#include "../portable/elements.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vbmi2,bmi,bmi2,popcnt")))
#define INLINE static inline __attribute__((always_inline)) TARGET

/// A vector's elements, the buckets that are taken by vectors, and those there are.
enum { LANES = 32, MOST = 12, BUCKETS = 256 };

/// The buckets that are taken by vectors.
typedef struct {
    size_t count;
    __m512i keys[MOST];
    uint32_t next[MOST], end[MOST];
} crowd;

/// Finds the fullest buckets; those that hold less than one element in 128 are not worth a vector.
static TARGET void gather_crowd(const uint32_t counts[BUCKETS], const uint32_t starts[BUCKETS], crowd *crowd) {
    uint32_t total = 0;
    uint8_t buckets[MOST];
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) total += counts[bucket];
    crowd->count = 0;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        if (counts[bucket] == 0 || counts[bucket] < total / 128) continue;
        size_t place = crowd->count < MOST ? crowd->count++ : MOST;
        for (; place > 0 && counts[buckets[place - 1]] < counts[bucket]; place--) {
            if (place < MOST) buckets[place] = buckets[place - 1];
        }
        if (place < MOST) buckets[place] = (uint8_t)bucket;
    }
    for (size_t k = 0; k < crowd->count; k++) {
        uint8_t bucket = buckets[k];
        crowd->keys[k] = _mm512_set1_epi16(bucket);
        crowd->next[k] = starts[bucket];
        crowd->end[k] = starts[bucket] + counts[bucket];
    }
}

/// The buckets of the elements in `lanes`; no bucket's number elsewhere.
INLINE __m512i exponents_of(const bool is_bf16, __m512i values, __mmask32 lanes) {
    __m512i exponents = is_bf16 ? _mm512_and_si512(_mm512_srli_epi16(values, 7), _mm512_set1_epi16(0xff))
                                : _mm512_and_si512(_mm512_srli_epi16(values, 10), _mm512_set1_epi16(0x1f));
    return _mm512_mask_mov_epi16(_mm512_set1_epi16(-1), lanes, exponents);
}

/// Floats as integers in their order: below zero all bits turn, else the top one.
INLINE __m512i in_order(__m512i values) {
    const __m512i top = _mm512_set1_epi16((short)0x8000);
    return _mm512_xor_si512(values, _mm512_or_si512(_mm512_srai_epi16(values, 15), top));
}

INLINE __m512i difference(__m512i base, __m512i tuned) {
    __m512i change = _mm512_sub_epi16(in_order(tuned), in_order(base));
    return _mm512_xor_si512(_mm512_add_epi16(change, change), _mm512_srai_epi16(change, 15));
}

INLINE __m512i add_difference(__m512i base, __m512i coded) {
    const __m512i top = _mm512_set1_epi16((short)0x8000);
    __m512i sign = _mm512_sub_epi16(_mm512_setzero_si512(), _mm512_and_si512(coded, _mm512_set1_epi16(1)));
    __m512i change = _mm512_xor_si512(_mm512_srli_epi16(coded, 1), sign);
    __m512i to = _mm512_add_epi16(in_order(base), change);
    // The order's inverse: where the top bit is clear all bits turn, else the top one.
    __m512i clear = _mm512_xor_si512(_mm512_srai_epi16(to, 15), _mm512_set1_epi16(-1));
    return _mm512_xor_si512(to, _mm512_or_si512(clear, top));
}

/// The first `count` lanes, of at most all.
INLINE __mmask32 first(unsigned count) {
    return _bzhi_u32(UINT32_MAX, count);
}

INLINE void encode(
    const bool is_bf16, const u16 *base, const u16 *tuned, size_t count, u16 *ordered,
    crowd *crowd, uint32_t next[BUCKETS]) {
    for (size_t at = 0; at < count; at += LANES) {
        __mmask32 all = count - at < LANES ? first((unsigned)(count - at)) : UINT32_MAX, taken = 0;
        __m512i from = _mm512_maskz_loadu_epi16(all, base + at);
        __m512i exponents = exponents_of(is_bf16, from, all);
        __m512i coded = difference(from, _mm512_maskz_loadu_epi16(all, tuned + at));
        for (size_t k = 0; k < crowd->count; k++) {
            __mmask32 here = _mm512_cmpeq_epi16_mask(exponents, crowd->keys[k]);
            unsigned found = (unsigned)__builtin_popcount(here);
            __m512i pushed = _mm512_maskz_compress_epi16(here, coded);
            // What is stored beyond those found is stored over when its turn comes, but in another bucket.
            uint32_t to = crowd->next[k];
            if (to + LANES <= crowd->end[k]) {
                _mm512_storeu_si512(ordered + to, pushed);
            } else {
                _mm512_mask_storeu_epi16(ordered + to, first(found), pushed);
            }
            crowd->next[k] = to + found;
            taken |= here;
        }
        if (taken == all) continue;
        uint16_t buckets[LANES], values[LANES];
        _mm512_storeu_si512(buckets, exponents);
        _mm512_storeu_si512(values, coded);
        for (__mmask32 left = all & ~taken; left != 0; left &= left - 1) {
            unsigned lane = (unsigned)__builtin_ctz(left);
            ordered[next[buckets[lane]]++] = values[lane];
        }
    }
}

INLINE void decode(
    const bool is_bf16, const u16 *base, const u16 *ordered, size_t count, u16 *tuned,
    crowd *crowd, uint32_t next[BUCKETS]) {
    for (size_t at = 0; at < count; at += LANES) {
        __mmask32 all = count - at < LANES ? first((unsigned)(count - at)) : UINT32_MAX, taken = 0;
        __m512i from = _mm512_maskz_loadu_epi16(all, base + at);
        __m512i exponents = exponents_of(is_bf16, from, all);
        __m512i coded = _mm512_setzero_si512();
        for (size_t k = 0; k < crowd->count; k++) {
            __mmask32 here = _mm512_cmpeq_epi16_mask(exponents, crowd->keys[k]);
            unsigned found = (unsigned)__builtin_popcount(here);
            uint32_t place = crowd->next[k];
            __m512i pushed = place + LANES <= count
                ? _mm512_loadu_si512(ordered + place)
                : _mm512_maskz_loadu_epi16(first(found), ordered + place);
            coded = _mm512_mask_expand_epi16(coded, here, pushed);
            crowd->next[k] = place + found;
            taken |= here;
        }
        if (taken != all) {
            uint16_t buckets[LANES], values[LANES];
            _mm512_storeu_si512(buckets, exponents);
            _mm512_storeu_si512(values, coded);
            for (__mmask32 left = all & ~taken; left != 0; left &= left - 1) {
                unsigned lane = (unsigned)__builtin_ctz(left);
                values[lane] = ordered[next[buckets[lane]]++];
            }
            coded = _mm512_loadu_si512(values);
        }
        _mm512_mask_storeu_epi16(tuned + at, all, add_difference(from, coded));
    }
}

TARGET void tenon_exact_encode_vbmi2(
    int kind, const void *base, const void *tuned, size_t count, void *ordered,
    const uint32_t counts[BUCKETS], uint32_t starts[BUCKETS]) {
    crowd crowd;
    gather_crowd(counts, starts, &crowd);
    if (kind == TENON_BF16) {
        encode(true, base, tuned, count, ordered, &crowd, starts);
    } else {
        encode(false, base, tuned, count, ordered, &crowd, starts);
    }
}

TARGET void tenon_exact_decode_vbmi2(
    int kind, const void *base, const void *ordered, size_t count, void *tuned,
    const uint32_t counts[BUCKETS], uint32_t starts[BUCKETS]) {
    crowd crowd;
    gather_crowd(counts, starts, &crowd);
    if (kind == TENON_BF16) {
        decode(true, base, ordered, count, tuned, &crowd, starts);
    } else {
        decode(false, base, ordered, count, tuned, &crowd, starts);
    }
}

#endif
