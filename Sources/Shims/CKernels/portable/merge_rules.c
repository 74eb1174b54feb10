// Rules of their own: RAM's counts of changed models, nearswap, and the divergence of Arcee's fusion.
#include <math.h>
#include <string.h>

#include "../internal.h"
#include "tenon_merge.h"

#pragma STDC FP_CONTRACT OFF

/// How many elements are worked on at a time, so that what is found of them stays in the first cache.
enum { TILE = 512 };

/// How many models have an element above `least`.
TENON_INLINE void
count_changed(const float *const *deltas, size_t models, size_t start, size_t n, float least, uint32_t *changed) {
    memset(changed, 0, n * sizeof *changed);
    for (size_t m = 0; m < models; m++) {
        const float *d = deltas[m] + start;
        for (size_t i = 0; i < n; i++) changed[i] += __builtin_fabsf(d[i]) > least;
    }
}

TENON_INLINE void tenon_mix_changed_body(
    const float *const *deltas, size_t models, size_t count, float least, const float *alone, const float *shares,
    float *out) {
    uint32_t changed[TILE];
    float together[TILE];
    for (size_t start = 0; start < count; start += TILE) {
        size_t n = count - start < TILE ? count - start : TILE;
        float *sum = out + start;
        memset(sum, 0, n * sizeof *sum);
        count_changed(deltas, models, start, n, least, changed);
        for (size_t i = 0; i < n; i++) together[i] = shares[changed[i]];
        for (size_t m = 0; m < models; m++) {
            const float *d = deltas[m] + start;
            for (size_t i = 0; i < n; i++) {
                float factor = changed[i] == 1 ? alone[m] : together[i];
                sum[i] = __builtin_fabsf(d[i]) > least ? __builtin_fmaf(factor, d[i], sum[i]) : sum[i];
            }
        }
    }
}

TENON_COMPILED_BODIES(
    void, tenon_mix_changed,
    (const float *const *deltas, size_t models, size_t count, float least, const float *alone, const float *shares,
     float *out),
    (deltas, models, count, least, alone, shares, out))

TENON_INLINE void tenon_count_changed_models_body(
    const float *const *deltas, size_t models, size_t count, float least, uint64_t *alone, uint64_t *shared) {
    uint32_t changed[TILE];
    for (size_t start = 0; start < count; start += TILE) {
        size_t n = count - start < TILE ? count - start : TILE;
        count_changed(deltas, models, start, n, least, changed);
        for (size_t m = 0; m < models; m++) {
            const float *d = deltas[m] + start;
            uint64_t one = 0, more = 0;
            for (size_t i = 0; i < n; i++) {
                int above = __builtin_fabsf(d[i]) > least;
                one += above & (changed[i] == 1);
                more += above & (changed[i] > 1);
            }
            alone[m] += one;
            shared[m] += more;
        }
    }
}

TENON_COMPILED_BODIES(
    void, tenon_count_changed_models,
    (const float *const *deltas, size_t models, size_t count, float least, uint64_t *alone, uint64_t *shared),
    (deltas, models, count, least, alone, shared))

TENON_INLINE void
tenon_swap_near_body(const float *base, const float *other, size_t count, float t, float *out) {
    for (size_t i = 0; i < count; i++) {
        float difference = other[i] - base[i];
        float step = difference < 0 ? -t : t;
        out[i] = __builtin_fabsf(difference) <= t ? other[i] : base[i] + step;
    }
}

TENON_COMPILED_BODIES(
    void, tenon_swap_near, (const float *base, const float *other, size_t count, float t, float *out),
    (base, other, count, t, out))

// MARK: Divergence

static double largest_of(const float *values, size_t count) {
    double largest = values[0];
    for (size_t i = 1; i < count; i++) largest = values[i] > largest ? values[i] : largest;
    return largest;
}

static double exponential_sum(const float *values, double largest, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += exp((double)values[i] - largest);
    return sum;
}

double tenon_divergence(const float *other, const float *base, size_t count) {
    if (count == 0) return 0;
    double high = largest_of(other, count), base_high = largest_of(base, count);
    double sum = exponential_sum(other, high, count), base_sum = exponential_sum(base, base_high, count);
    double divergence = 0;
    for (size_t i = 0; i < count; i++) {
        double p = exp((double)other[i] - high) / sum + 1e-8, q = exp((double)base[i] - base_high) / base_sum + 1e-8;
        divergence += p * log1p((p - q) / q) - (p - q);
    }
    return divergence > 0 ? divergence : 0;
}

TENON_INLINE void tenon_scale_magnitudes_body(const float *values, double factor, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = (float)(__builtin_fabs((double)values[i]) * factor);
}

TENON_COMPILED_BODIES(
    void, tenon_scale_magnitudes, (const float *values, double factor, size_t count, float *out),
    (values, factor, count, out))

TENON_INLINE void tenon_choose_body(
    const float *rank, double least, const float *other, const float *base, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = (double)rank[i] >= least ? other[i] : base[i];
}

TENON_COMPILED_BODIES(
    void, tenon_choose,
    (const float *rank, double least, const float *other, const float *base, size_t count, float *out),
    (rank, least, other, base, count, out))
