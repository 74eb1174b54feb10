// Weights plus a change, rounded back to the weights' dtype, and what that rounding did. Works on blocks that stay in
// the first-level cache: widened, added, narrowed, counted.
#include <string.h>

#include "../internal.h"
#include "tenon_delta.h"

#pragma STDC FP_CONTRACT OFF

enum { BLOCK = 512, LANES = 16 };

static const uint32_t quiet_nan = 0x7fc00000, infinite = 0x7f800000;

TENON_INLINE uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// MARK: The sum

uint32_t tenon_add_keeping(const float *weights, const float *sum, size_t count, float *out);

/// `out = weights + sum`, but for elements that keep their bits. Returns whether a weight is a NaN.
TENON_INLINE uint32_t tenon_add_keeping_body(
    const float *restrict weights, const float *restrict sum, size_t count, float *restrict out) {
    uint32_t has_nan = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t weight = bits_of(weights[i]);
        float added = weights[i] + sum[i];
        uint32_t result = added != added ? quiet_nan : bits_of(added);
        uint32_t is_nan = (weight & 0x7fffffff) > infinite ? 1 : 0;
        result = is_nan != 0 || (bits_of(sum[i]) & 0x7fffffff) == 0 ? weight : result;
        has_nan |= is_nan;
        memcpy(out + i, &result, sizeof result);
    }
    return has_nan;
}

TENON_COMPILED_BODIES(
    uint32_t, tenon_add_keeping, (const float *weights, const float *sum, size_t count, float *out),
    (weights, sum, count, out))

// MARK: The report

typedef float floats __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef int32_t words __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef double lanes __attribute__((ext_vector_type(LANES)));

/// Sums by index mod 16, and counts.
typedef struct {
    double power[LANES], noise[LANES];
    uint64_t asked, lost, overflowed;
} tally;

void tenon_tally(tally *into, const float *weights, const float *sum, const float *out, size_t count);

/// `count` is a multiple of LANES and at most BLOCK.
TENON_INLINE void
tenon_tally_body(tally *into, const float *weights, const float *sum, const float *out, size_t count) {
    lanes power, noise;
    memcpy(&power, into->power, sizeof power);
    memcpy(&noise, into->noise, sizeof noise);
    words asked = 0, lost = 0, overflowed = 0;
    for (size_t i = 0; i < count; i += LANES) {
        words weight = *(const words *)(const void *)(weights + i);
        words change = *(const words *)(const void *)(sum + i);
        words result = *(const words *)(const void *)(out + i);
        // A comparison's lanes are all ones or all zeros.
        words is_asked = (change & 0x7fffffff) != 0;
        words is_finite = (result & 0x7f800000) != 0x7f800000, was_finite = (weight & 0x7f800000) != 0x7f800000;
        asked -= is_asked;
        lost -= is_asked & (weight == result);
        overflowed -= was_finite & ~is_finite;
        lanes w = __builtin_convertvector((floats)(weight & is_finite), lanes);
        lanes s = __builtin_convertvector((floats)(change & is_finite), lanes);
        lanes r = __builtin_convertvector((floats)(result & is_finite), lanes);
        lanes error = (r - w) - s;
        power += s * s;
        noise += error * error;
    }
    memcpy(into->power, &power, sizeof power);
    memcpy(into->noise, &noise, sizeof noise);
    into->asked += (uint64_t)__builtin_reduce_add(asked);
    into->lost += (uint64_t)__builtin_reduce_add(lost);
    into->overflowed += (uint64_t)__builtin_reduce_add(overflowed);
}

TENON_COMPILED_BODIES(
    void, tenon_tally, (tally * into, const float *weights, const float *sum, const float *out, size_t count),
    (into, weights, sum, out, count))

/// Any count: zeros, which count as nothing, fill up the last vector.
static void count_in(tally *into, const float *weights, const float *sum, const float *out, size_t count) {
    size_t whole = count / LANES * LANES, left = count - whole;
    tenon_tally(into, weights, sum, out, whole);
    if (left == 0) return;
    float last[3][LANES] = {{0}};
    memcpy(last[0], weights + whole, left * sizeof(float));
    memcpy(last[1], sum + whole, left * sizeof(float));
    memcpy(last[2], out + whole, left * sizeof(float));
    tenon_tally(into, last[0], last[1], last[2], LANES);
}

static double folded(double sums[LANES]) {
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        for (size_t lane = 0; lane < half; lane++) sums[lane] += sums[lane + half];
    }
    return sums[0];
}

static void finish(tally *from, tenon_rounding *report) {
    report->power += folded(from->power);
    report->noise += folded(from->noise);
    report->asked += from->asked;
    report->lost += from->lost;
    report->overflowed += from->overflowed;
}

// MARK: Dtypes

/// The weights in fp32: themselves, or in `space`.
static const float *widened(int kind, const void *weights, size_t at, size_t count, float space[BLOCK]) {
    if (kind == TENON_F32) return (const float *)weights + at;
    const uint16_t *halves = (const uint16_t *)weights + at;
    if (kind == TENON_BF16) {
        tenon_f32_from_bf16(halves, count, space);
    } else {
        tenon_f32_from_f16(halves, count, space);
    }
    return space;
}

static void narrow(int kind, const float *values, size_t count, uint16_t *out) {
    if (kind == TENON_BF16) {
        tenon_bf16_from_f32(values, count, out);
    } else {
        tenon_f16_from_f32(values, count, out);
    }
}

void tenon_round_sum(
    int kind, const void *weights, const float *sum, size_t count, void *out, tenon_rounding *report) {
    if (kind == TENON_F32) {
        tenon_widen_sum(kind, weights, sum, count, out, report);
        return;
    }
    tally counts = {{0}, {0}, 0, 0, 0};
    float wide[BLOCK], added[BLOCK];
    for (size_t at = 0; at < count; at += BLOCK) {
        size_t length = count - at < BLOCK ? count - at : BLOCK;
        uint16_t *halves = (uint16_t *)out + at;
        const float *block = widened(kind, weights, at, length, wide);
        uint32_t has_nan = tenon_add_keeping(block, sum + at, length, added);
        narrow(kind, added, length, halves);
        // Conversions make a NaN quiet; here it stays as it was.
        for (size_t i = 0; has_nan != 0 && i < length; i++) {
            if (block[i] != block[i]) halves[i] = ((const uint16_t *)weights)[at + i];
        }
        if (report != NULL) count_in(&counts, block, sum + at, widened(kind, out, at, length, added), length);
    }
    if (report != NULL) finish(&counts, report);
}

void tenon_widen_sum(
    int kind, const void *weights, const float *sum, size_t count, float *out, tenon_rounding *report) {
    tally counts = {{0}, {0}, 0, 0, 0};
    float wide[BLOCK];
    for (size_t at = 0; at < count; at += BLOCK) {
        size_t length = count - at < BLOCK ? count - at : BLOCK;
        const float *block = widened(kind, weights, at, length, wide);
        tenon_add_keeping(block, sum + at, length, out + at);
        if (report != NULL) count_in(&counts, block, sum + at, out + at, length);
    }
    if (report != NULL) finish(&counts, report);
}
