// Elementwise arithmetic of several models at once, and the sums that come before it.
#include <string.h>

#include "../internal.h"
#include "tenon_merge.h"

#pragma STDC FP_CONTRACT OFF

enum { LANES = 16 };

typedef float floats __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef double lanes __attribute__((ext_vector_type(LANES)));

#define load(from) (*(const floats *)(const void *)(from))

TENON_INLINE void tenon_subtract_body(const float *values, const float *base, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = values[i] - base[i];
}

TENON_COMPILED_BODIES(
    void, tenon_subtract, (const float *values, const float *base, size_t count, float *out),
    (values, base, count, out))

TENON_INLINE void tenon_add_multiple_body(const float *values, float factor, size_t count, float *sum) {
    for (size_t i = 0; i < count; i++) sum[i] = __builtin_fmaf(factor, values[i], sum[i]);
}

TENON_COMPILED_BODIES(
    void, tenon_add_multiple, (const float *values, float factor, size_t count, float *sum),
    (values, factor, count, sum))

// MARK: Long sums

TENON_INLINE double folded(const lanes *sums) {
    double tree[LANES];
    memcpy(tree, sums, sizeof tree);
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        for (size_t lane = 0; lane < half; lane++) tree[lane] += tree[lane + half];
    }
    return tree[0];
}

TENON_INLINE double tenon_dot_body(const float *a, const float *b, size_t count) {
    lanes sums = 0;
    size_t whole = count / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        sums += __builtin_convertvector(load(a + i), lanes) * __builtin_convertvector(load(b + i), lanes);
    }
    float x[LANES] = {0}, y[LANES] = {0};
    memcpy(x, a + whole, (count - whole) * sizeof(float));
    memcpy(y, b + whole, (count - whole) * sizeof(float));
    sums += __builtin_convertvector(load(x), lanes) * __builtin_convertvector(load(y), lanes);
    return folded(&sums);
}

TENON_COMPILED_BODIES(double, tenon_dot, (const float *a, const float *b, size_t count), (a, b, count))

TENON_INLINE double tenon_sum_magnitudes_body(const float *values, size_t count) {
    lanes sums = 0;
    size_t whole = count / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        sums += __builtin_convertvector(__builtin_elementwise_abs(load(values + i)), lanes);
    }
    float rest[LANES] = {0};
    memcpy(rest, values + whole, (count - whole) * sizeof(float));
    sums += __builtin_convertvector(__builtin_elementwise_abs(load(rest)), lanes);
    return folded(&sums);
}

TENON_COMPILED_BODIES(double, tenon_sum_magnitudes, (const float *values, size_t count), (values, count))

TENON_INLINE void tenon_add_base_body(const float *base, size_t count, float *sum) {
    for (size_t i = 0; i < count; i++) sum[i] = sum[i] == 0 ? base[i] : base[i] + sum[i];
}

TENON_COMPILED_BODIES(void, tenon_add_base, (const float *base, size_t count, float *sum), (base, count, sum))

TENON_INLINE void tenon_divide_body(float *values, float divisor, size_t count) {
    for (size_t i = 0; i < count; i++) values[i] /= divisor;
}

TENON_COMPILED_BODIES(
    void, tenon_divide, (float *values, float divisor, size_t count), (values, divisor, count))

// MARK: Elements that are no numbers

TENON_INLINE uint32_t is_unusable(const float *value) {
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    return (bits & 0x7f800000) == 0x7f800000;
}

TENON_INLINE size_t tenon_count_unusable_body(const float *values, size_t count) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) found += is_unusable(values + i);
    return found;
}

TENON_COMPILED_BODIES(size_t, tenon_count_unusable, (const float *values, size_t count), (values, count))

TENON_INLINE size_t tenon_count_at_least_body(const float *values, size_t count, float least) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) found += __builtin_fabsf(values[i]) >= least;
    return found;
}

TENON_COMPILED_BODIES(
    size_t, tenon_count_at_least, (const float *values, size_t count, float least), (values, count, least))

void tenon_mark_unusable(const float *values, size_t count, uint8_t *marks) {
    for (size_t i = 0; i < count; i++) marks[i] |= is_unusable(values + i);
}

void tenon_put_marked(const uint8_t *marks, size_t count, float value, float *values) {
    for (size_t i = 0; i < count; i++) values[i] = marks[i] ? value : values[i];
}

// MARK: Several models

/// How many elements are worked on at a time, so that what is found of them stays in the first cache.
enum { TILE = 512 };

TENON_INLINE void
tenon_mix_body(const tenon_mixture *mixture, const float *const *deltas, size_t count, float *out) {
    double votes[TILE], divisors[TILE];
    for (size_t start = 0; start < count; start += TILE) {
        size_t n = count - start < TILE ? count - start : TILE;
        float *sum = out + start;
        memset(sum, 0, n * sizeof *sum);
        if (!mixture->elects) {
            double divisor = 0;
            for (size_t m = 0; m < mixture->models; m++) {
                float factor = mixture->factors[m];
                const float *d = deltas[m] + start;
                for (size_t i = 0; i < n; i++) sum[i] = __builtin_fmaf(factor, d[i], sum[i]);
                divisor += mixture->weights[m];
            }
            if (!mixture->divides || divisor == 0 || __builtin_fabs(divisor) < mixture->least_divisor) continue;
            float rounded = (float)divisor;
            for (size_t i = 0; i < n; i++) sum[i] /= rounded;
            continue;
        }
        memset(votes, 0, sizeof votes);
        for (size_t m = 0; m < mixture->models; m++) {
            double vote = mixture->votes[m];
            const float *d = deltas[m] + start;
            for (size_t i = 0; i < n; i++) votes[i] += vote * (double)d[i];
        }
        memset(divisors, 0, sizeof divisors);
        for (size_t m = 0; m < mixture->models; m++) {
            // A product with another sign than the vote is what a delta times a negative vote would be.
            float vote = mixture->votes[m] == 0 ? 0.0f : mixture->votes[m] < 0 ? -1.0f : 1.0f;
            float factor = mixture->factors[m];
            double weight = mixture->weights[m];
            const float *d = deltas[m] + start;
            for (size_t i = 0; i < n; i++) {
                float turned = vote * d[i];
                int counts = votes[i] >= 0 ? turned > 0 : turned < 0;
                sum[i] = counts ? __builtin_fmaf(factor, d[i], sum[i]) : sum[i];
                divisors[i] += counts ? weight : 0.0;
            }
        }
        if (!mixture->divides) continue;
        double least = mixture->least_divisor;
        for (size_t i = 0; i < n; i++) {
            double divisor = divisors[i];
            int isNothing = divisor == 0 || __builtin_fabs(divisor) < least;
            sum[i] /= isNothing ? 1.0f : (float)divisor;
        }
    }
}

TENON_COMPILED_BODIES(
    void, tenon_mix, (const tenon_mixture *mixture, const float *const *deltas, size_t count, float *out),
    (mixture, deltas, count, out))

TENON_INLINE void
tenon_variance_body(const float *const *deltas, size_t models, size_t count, float *out) {
    double means[TILE], squares[TILE];
    for (size_t start = 0; start < count; start += TILE) {
        size_t n = count - start < TILE ? count - start : TILE;
        memset(means, 0, sizeof means);
        memset(squares, 0, sizeof squares);
        for (size_t m = 0; m < models; m++) {
            const float *d = deltas[m] + start;
            for (size_t i = 0; i < n; i++) means[i] += d[i];
        }
        for (size_t i = 0; i < n; i++) means[i] /= (double)models;
        for (size_t m = 0; m < models; m++) {
            const float *d = deltas[m] + start;
            for (size_t i = 0; i < n; i++) {
                double off = d[i] - means[i];
                squares[i] += off * off;
            }
        }
        for (size_t i = 0; i < n; i++) out[start + i] = (float)(squares[i] / (double)models);
    }
}

TENON_COMPILED_BODIES(
    void, tenon_variance, (const float *const *deltas, size_t models, size_t count, float *out),
    (deltas, models, count, out))
