// The inner loops of merging: Spec/merge.md says what they compute, to the bit; every body gives the same bits.
//
// A magnitude is a float's bits without the sign: as an integer it has the order of the absolute values.
#ifndef TENON_MERGE_H
#define TENON_MERGE_H

#include <stddef.h>
#include <stdint.h>

// MARK: Sums and differences

/// `out[i] = RN32(values[i] − base[i])`; `out` may be `values`.
void tenon_subtract(const float *values, const float *base, size_t count, float *out);

/// `sum[i] = fma(factor, values[i], sum[i])` in fp32.
void tenon_add_multiple(const float *values, float factor, size_t count, float *sum);

/// `sum[i] = RN32(base[i] + sum[i])`; the base's bits where the sum is zero.
void tenon_add_base(const float *base, size_t count, float *sum);

/// `values[i] = RN32(values[i] / divisor)`.
void tenon_divide(float *values, float divisor, size_t count);

/// Σ a[i]·b[i] in fp64: lane i mod 16 sums its elements for i ascending, then lane l takes that of l + 8, l + 4, l + 2,
/// l + 1.
double tenon_dot(const float *a, const float *b, size_t count);

/// Σ |values[i]| in fp64, in the same order.
double tenon_sum_magnitudes(const float *values, size_t count);

/// How many elements are infinite or NaN.
size_t tenon_count_unusable(const float *values, size_t count);

/// How many elements have a magnitude of `least` or more.
size_t tenon_count_at_least(const float *values, size_t count, float least);

/// Sets to one the marks of those elements; other marks stay.
void tenon_mark_unusable(const float *values, size_t count, uint8_t *marks);

/// Puts `value` where there is a mark.
void tenon_put_marked(const uint8_t *marks, size_t count, float value, float *values);

// MARK: The k-th largest magnitude

enum {
    /// Magnitudes are counted by their upper 16 of 31 bits, then those of one such bin by their lower 15.
    TENON_UPPER_BINS = 1 << 16,
    TENON_LOWER_BINS = 1 << 15,
};

void tenon_count_upper(const float *values, size_t count, uint32_t counts[TENON_UPPER_BINS]);
void tenon_count_lower(const float *values, size_t count, uint32_t upper, uint32_t counts[TENON_LOWER_BINS]);

/// How many elements have exactly this magnitude.
size_t tenon_count_ties(const float *values, size_t count, uint32_t magnitude);

/// Sets to zero all whose magnitude is below `magnitude`, and those that have it but for the first `kept` of them.
/// `ties` is how many have it.
void tenon_clear_below(float *values, size_t count, uint32_t magnitude, size_t ties, size_t kept);

/// The complement: sets to zero all whose magnitude is above `magnitude`, and the first `cleared` of those that have it.
void tenon_clear_above(float *values, size_t count, uint32_t magnitude, size_t ties, size_t cleared);

/// The places of one row's elements in the order of their magnitudes, ascending, of equal ones the last first: `ranks[i]`
/// is that of element i. `scratch` has room for 2 · count + 2048.
void tenon_rank_magnitudes(const float *values, size_t count, uint32_t *ranks, uint32_t *scratch);

/// Sets to zero the elements where `mask` is zero.
void tenon_clear_masked(const float *mask, size_t count, float *values);

// MARK: Random masks

/// Sets to zero the elements whose number is not below the chance to stay: element i has number `first + i` of the
/// counter-based generator, its upper 24 bits, and stays where that is below `chance` (of 1 << 24).
void tenon_random_clear(uint64_t key, uint64_t first, size_t count, uint32_t chance, float *values);

/// The same for one row with chances that rise with the element's place among its magnitudes: low + spread · (rank /
/// (count − 1)) in fp64, low for a row of one element.
void tenon_random_clear_ranked(
    uint64_t key, uint64_t first, size_t count, const uint32_t *ranks, double low, double spread, float *values);

// MARK: Several models

typedef struct {
    /// What each model's delta is multiplied with where signs are elected and where deltas are added.
    const float *votes, *factors;
    /// What of each model the sum is divided by.
    const double *weights;
    size_t models;
    /// Only models count whose vote, votes[m] · d, is not zero and has the sign of all votes' sum, zero being plus: exact
    /// products, added in fp64 in the order of the models.
    int elects;
    /// The sum is divided by the weights of the models that count, rounded to fp32; by one where that is zero or its
    /// magnitude below `least_divisor`.
    int divides;
    double least_divisor;
} tenon_mixture;

/// `out = fma(factors[m], d, out)` in fp32 for the models that count, in their order, from zero on; then divided.
void tenon_mix(const tenon_mixture *mixture, const float *const *deltas, size_t count, float *out);

/// The variance of the models' values at every element, Σ (d − mean)² / models, in fp64 in the models' order, rounded.
void tenon_variance(const float *const *deltas, size_t models, size_t count, float *out);

/// `out = fma(c, d, out)` in fp32 for the models with |d| above `least`, in their order: c is alone[m] where there is one
/// such model, else shares[how many].
void tenon_mix_changed(
    const float *const *deltas, size_t models, size_t count, float least, const float *alone, const float *shares,
    float *out);

/// Adds to `alone[m]` and `shared[m]` how many elements model m has with |d| above `least` that no other has, or others
/// too.
void tenon_count_changed_models(
    const float *const *deltas, size_t models, size_t count, float least, uint64_t *alone, uint64_t *shared);

/// `out = other` where |other − base| is at most t, else base + t with the sign of the difference.
void tenon_swap_near(const float *base, const float *other, size_t count, float t, float *out);

/// The divergence Σ p·ln(p/q) of one row in fp64, as Σ p·log1p((p − q)/q) − (p − q) in ascending order, or zero where that
/// is below: p and q are the softmax of `other` and of `base`, the largest element subtracted first, each plus 1e-8.
double tenon_divergence(const float *other, const float *base, size_t count);

/// `out[i] = RN32(|values[i]| · factor)`, the product in fp64.
void tenon_scale_magnitudes(const float *values, double factor, size_t count, float *out);

/// `out = other` where `rank` is at least `least`, compared in fp64, else base.
void tenon_choose(
    const float *rank, double least, const float *other, const float *base, size_t count, float *out);

#endif
