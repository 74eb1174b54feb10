// The inner loop of comparing tensors: Spec/diff.md says what the sums are for; every body gives the same bits.
#ifndef TENON_DIFF_H
#define TENON_DIFF_H

#include <stddef.h>
#include <stdint.h>

/// What a pass over w, the first tensor's elements, and w′, the other's, adds up. An element that is infinite or NaN in
/// either counts as `unusable` and nowhere else. Differences d = w′ − w and sums are in fp64: lane i mod 16 sums its
/// elements for i ascending, then lane l takes that of l + 8, l + 4, l + 2, l + 1.
typedef struct {
    /// Σ w², Σ w′², Σ w·w′, Σ d².
    double base_power, tuned_power, product, change_power;
    /// Σ (bf16(w′) − bf16(w) − d)².
    double rounding_power;
    /// The largest |d|.
    double largest;
    /// Elements whose bits differ, and those that are both positive, both negative or both zero.
    uint64_t changed, agreeing;
    uint64_t unusable;
} tenon_comparison;

/// At most 2^32 elements.
tenon_comparison tenon_compare_pair(const float *base, const float *tuned, size_t count);

#endif
