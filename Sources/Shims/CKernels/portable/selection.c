// Which elements stay: the largest magnitudes, found by counting, and random ones.
#include <string.h>

#include "../internal.h"
#include "tenon_merge.h"

#pragma STDC FP_CONTRACT OFF

enum { LANES = 16, LOWER_BITS = 15 };

TENON_INLINE uint32_t magnitude_of(const float *value) {
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    return bits & 0x7fffffff;
}

// MARK: Counting

void tenon_count_upper(const float *values, size_t count, uint32_t counts[TENON_UPPER_BINS]) {
    for (size_t i = 0; i < count; i++) counts[magnitude_of(values + i) >> LOWER_BITS]++;
}

TENON_INLINE void
tenon_count_lower_body(const float *values, size_t count, uint32_t upper, uint32_t counts[TENON_LOWER_BINS]) {
    for (size_t start = 0; start < count; start += LANES) {
        size_t n = count - start < LANES ? count - start : LANES;
        // Of some hundred elements one is of the bin: whole vectors without one are passed over.
        if (n == LANES) {
            uint32_t found = 0;
            for (size_t i = 0; i < LANES; i++) found |= magnitude_of(values + start + i) >> LOWER_BITS == upper;
            if (!found) continue;
        }
        for (size_t i = start; i < start + n; i++) {
            uint32_t magnitude = magnitude_of(values + i);
            if (magnitude >> LOWER_BITS == upper) counts[magnitude & (TENON_LOWER_BINS - 1)]++;
        }
    }
}

TENON_COMPILED_BODIES(
    void, tenon_count_lower,
    (const float *values, size_t count, uint32_t upper, uint32_t counts[TENON_LOWER_BINS]),
    (values, count, upper, counts))

TENON_INLINE size_t tenon_count_ties_body(const float *values, size_t count, uint32_t magnitude) {
    size_t ties = 0;
    for (size_t i = 0; i < count; i++) ties += magnitude_of(values + i) == magnitude;
    return ties;
}

TENON_COMPILED_BODIES(
    size_t, tenon_count_ties, (const float *values, size_t count, uint32_t magnitude), (values, count, magnitude))

// MARK: Clearing

/// Clears where the magnitude is below `least`.
TENON_INLINE void tenon_clear_less_body(float *values, size_t count, uint32_t least) {
    for (size_t i = 0; i < count; i++) values[i] = magnitude_of(values + i) < least ? 0.0f : values[i];
}

TENON_COMPILED_BODIES(
    void, tenon_clear_less, (float *values, size_t count, uint32_t least), (values, count, least))

/// Clears where the magnitude is above `most`.
TENON_INLINE void tenon_clear_more_body(float *values, size_t count, uint32_t most) {
    for (size_t i = 0; i < count; i++) values[i] = magnitude_of(values + i) > most ? 0.0f : values[i];
}

TENON_COMPILED_BODIES(
    void, tenon_clear_more, (float *values, size_t count, uint32_t most), (values, count, most))

void tenon_clear_below(float *values, size_t count, uint32_t magnitude, size_t ties, size_t kept) {
    tenon_clear_less(values, count, magnitude);
    if (kept >= ties) return;
    for (size_t i = 0; i < count; i++) {
        if (magnitude_of(values + i) != magnitude) continue;
        if (kept > 0) kept--;
        else values[i] = 0;
    }
}

void tenon_clear_above(float *values, size_t count, uint32_t magnitude, size_t ties, size_t cleared) {
    tenon_clear_more(values, count, magnitude);
    if (ties == 0) return;
    for (size_t i = 0; i < count && cleared > 0; i++) {
        if (magnitude_of(values + i) != magnitude) continue;
        values[i] = 0;
        cleared--;
    }
}

TENON_INLINE void tenon_clear_masked_body(const float *mask, size_t count, float *values) {
    for (size_t i = 0; i < count; i++) values[i] = mask[i] == 0 ? 0.0f : values[i];
}

TENON_COMPILED_BODIES(
    void, tenon_clear_masked, (const float *mask, size_t count, float *values), (mask, count, values))

void tenon_rank_magnitudes(const float *values, size_t count, uint32_t *ranks, uint32_t *scratch) {
    enum { DIGIT = 11, DIGITS = 1 << DIGIT };
    uint32_t *order = scratch, *next = scratch + count, *starts = scratch + 2 * count;
    for (size_t i = 0; i < count; i++) order[i] = (uint32_t)(count - 1 - i);
    for (int shift = 0; shift < 31; shift += DIGIT) {
        memset(starts, 0, DIGITS * sizeof *starts);
        for (size_t i = 0; i < count; i++) starts[magnitude_of(values + i) >> shift & (DIGITS - 1)]++;
        uint32_t sum = 0;
        for (size_t digit = 0; digit < DIGITS; digit++) {
            uint32_t here = starts[digit];
            starts[digit] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) {
            uint32_t element = order[i];
            next[starts[magnitude_of(values + element) >> shift & (DIGITS - 1)]++] = element;
        }
        uint32_t *swap = order;
        order = next;
        next = swap;
    }
    for (size_t i = 0; i < count; i++) ranks[order[i]] = (uint32_t)i;
}

// MARK: Random masks

/// SplitMix64's finalizer (Steele, Lea and Flood, 2014) of a counter, its upper 24 bits.
TENON_INLINE uint32_t drawn(uint64_t key, uint64_t place) {
    uint64_t bits = key + place * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15;
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB;
    return (uint32_t)((bits ^ bits >> 31) >> 40);
}

TENON_INLINE void
tenon_random_clear_body(uint64_t key, uint64_t first, size_t count, uint32_t chance, float *values) {
    for (size_t i = 0; i < count; i++) values[i] = drawn(key, first + i) < chance ? values[i] : 0.0f;
}

TENON_COMPILED_BODIES(
    void, tenon_random_clear, (uint64_t key, uint64_t first, size_t count, uint32_t chance, float *values),
    (key, first, count, chance, values))

TENON_INLINE void tenon_random_clear_ranked_body(
    uint64_t key, uint64_t first, size_t count, const uint32_t *ranks, double low, double spread, float *values) {
    double last = count > 1 ? (double)(count - 1) : 1;
    for (size_t i = 0; i < count; i++) {
        double chance = low + spread * ((double)ranks[i] / last);
        values[i] = (double)drawn(key, first + i) * 0x1p-24 < chance ? values[i] : 0.0f;
    }
}

TENON_COMPILED_BODIES(
    void, tenon_random_clear_ranked,
    (uint64_t key, uint64_t first, size_t count, const uint32_t *ranks, double low, double spread, float *values),
    (key, first, count, ranks, low, spread, values))
