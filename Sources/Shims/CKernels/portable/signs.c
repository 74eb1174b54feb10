// Signs of differences: taken, packed to bits, and added again times a scale.
#include <string.h>

#include "../internal.h"
#include "tenon_delta.h"

#pragma STDC FP_CONTRACT OFF

enum { LANES = 16 };

typedef float floats __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef uint32_t words __attribute__((ext_vector_type(LANES)));
typedef double lanes __attribute__((ext_vector_type(LANES)));

static const words lane_bits = {
    1u << 0, 1u << 1, 1u << 2,  1u << 3,  1u << 4,  1u << 5,  1u << 6,  1u << 7,
    1u << 8, 1u << 9, 1u << 10, 1u << 11, 1u << 12, 1u << 13, 1u << 14, 1u << 15,
};

#define load(from) (*(const floats *)(const void *)(from))
#define store(value, to) (*(floats *)(void *)(to) = (value))

/// The vector from `i` on, with zeros where `count` ends.
#define load_part(part, from, i, count)                                                                               \
    float part[LANES] = {0};                                                                                          \
    memcpy(part, (from) + (i), ((count) - (i)) * sizeof(float))

TENON_INLINE double folded(const lanes *sums) {
    double tree[LANES];
    memcpy(tree, sums, sizeof tree);
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        for (size_t lane = 0; lane < half; lane++) tree[lane] += tree[lane + half];
    }
    return tree[0];
}

TENON_INLINE tenon_sign_sums tenon_sum_signs_body(const float *base, const float *tuned, size_t count) {
    lanes magnitudes = 0, squares = 0;
    size_t whole = count / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        floats difference = load(tuned + i) - load(base + i);
        lanes d = __builtin_convertvector(difference, lanes);
        magnitudes += __builtin_elementwise_abs(d);
        squares += d * d;
    }
    load_part(from, base, whole, count);
    load_part(to, tuned, whole, count);
    floats difference = load(to) - load(from);
    lanes d = __builtin_convertvector(difference, lanes);
    magnitudes += __builtin_elementwise_abs(d);
    squares += d * d;
    return (tenon_sign_sums){folded(&magnitudes), folded(&squares)};
}

TENON_COMPILED_BODIES(
    tenon_sign_sums, tenon_sum_signs, (const float *base, const float *tuned, size_t count), (base, tuned, count))

TENON_INLINE void
tenon_encode_signs_body(const float *base, const float *tuned, size_t count, uint8_t *bits) {
    size_t whole = count / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        floats difference = load(tuned + i) - load(base + i);
        uint32_t set = __builtin_reduce_or((words)(difference >= 0) & lane_bits);
        bits[i / 8] = (uint8_t)set;
        bits[i / 8 + 1] = (uint8_t)(set >> 8);
    }
    for (size_t i = whole; i < count; i += 8) {
        uint8_t set = 0;
        for (size_t bit = 0; bit < 8 && i + bit < count; bit++) {
            set |= (uint8_t)((tuned[i + bit] - base[i + bit] >= 0) << bit);
        }
        bits[i / 8] = set;
    }
}

TENON_COMPILED_BODIES(
    void, tenon_encode_signs, (const float *base, const float *tuned, size_t count, uint8_t *bits),
    (base, tuned, count, bits))

TENON_INLINE void add_single(const uint8_t *bits, size_t bit, float scale, float *sum) {
    *sum += bits[bit / 8] >> bit % 8 & 1 ? scale : -scale;
}

TENON_INLINE void
tenon_add_signs_body(const uint8_t *bits, size_t first, size_t count, float scale, float *sum) {
    size_t i = 0;
    for (; i < count && (first + i) % 8 != 0; i++) add_single(bits, first + i, scale, sum + i);
    uint32_t pattern;
    memcpy(&pattern, &scale, sizeof pattern);
    const uint8_t *next = bits + (first + i) / 8;
    for (; count - i >= LANES; i += LANES, next += 2) {
        words set = (words)(next[0] | (uint32_t)next[1] << 8);
        words negative = (words)((set & lane_bits) == 0) & 0x80000000u;
        words values = negative ^ pattern;
        floats change;
        memcpy(&change, &values, sizeof values);
        store(load(sum + i) + change, sum + i);
    }
    for (; i < count; i++) add_single(bits, first + i, scale, sum + i);
}

TENON_COMPILED_BODIES(
    void, tenon_add_signs, (const uint8_t *bits, size_t first, size_t count, float scale, float *sum),
    (bits, first, count, scale, sum))
