// Sums over two tensors and their difference, in one pass.
#include <string.h>

#include "../internal.h"
#include "tenon_diff.h"

#pragma STDC FP_CONTRACT OFF

enum { LANES = 16 };

typedef float floats __attribute__((ext_vector_type(LANES)));
typedef uint32_t words __attribute__((ext_vector_type(LANES)));
typedef double lanes __attribute__((ext_vector_type(LANES)));

typedef struct {
    lanes base_power, tuned_power, product, change_power, rounding_power, largest;
    words changed, agreeing, unusable;
} sums;

TENON_INLINE double folded(const lanes *values) {
    double tree[LANES];
    memcpy(tree, values, sizeof tree);
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        for (size_t lane = 0; lane < half; lane++) tree[lane] += tree[lane + half];
    }
    return tree[0];
}

TENON_INLINE uint64_t total(const words *counts) {
    uint32_t parts[LANES];
    memcpy(parts, counts, sizeof parts);
    uint64_t total = 0;
    for (size_t lane = 0; lane < LANES; lane++) total += parts[lane];
    return total;
}

/// To nearest, ties to even; the elements are finite.
#define rounded_to_bf16(bits) ((floats)(((bits) + 0x7fff + (((bits) >> 16) & 1)) & 0xffff0000))

/// Adds one vector of each tensor; lanes outside `within` are not there.
TENON_INLINE void add(sums *of, const words *base, const words *tuned, const words *present) {
    const words infinite = 0x7f800000;
    words from = *base, to = *tuned, within = *present;
    words usable = (words)((from & infinite) != infinite) & (words)((to & infinite) != infinite);
    of->unusable -= ~usable & within;
    of->changed -= (words)(from != to) & usable;
    from &= usable;
    to &= usable;
    floats before = (floats)from, after = (floats)to;
    words agrees = ~((words)(before > 0) ^ (words)(after > 0)) & ~((words)(before < 0) ^ (words)(after < 0));
    of->agreeing -= agrees & usable & within;
    lanes w = __builtin_convertvector(before, lanes), t = __builtin_convertvector(after, lanes);
    lanes d = t - w;
    of->base_power += w * w;
    of->tuned_power += t * t;
    of->product += w * t;
    of->change_power += d * d;
    of->largest = __builtin_elementwise_max(of->largest, __builtin_elementwise_abs(d));
    lanes kept_w = __builtin_convertvector(rounded_to_bf16(from), lanes);
    lanes kept_t = __builtin_convertvector(rounded_to_bf16(to), lanes);
    lanes lost = (kept_t - kept_w) - d;
    // What bf16 cannot hold at all is lost whole.
    lanes size = __builtin_elementwise_abs(lost);
    lost = size <= 0x1p128 ? lost : d;
    of->rounding_power += lost * lost;
}

TENON_INLINE tenon_comparison tenon_compare_pair_body(const float *base, const float *tuned, size_t count) {
    const words all = ~(words)0;
    sums of = {0};
    size_t i = 0;
    for (; count - i >= LANES; i += LANES) {
        words from, to;
        memcpy(&from, base + i, sizeof from);
        memcpy(&to, tuned + i, sizeof to);
        add(&of, &from, &to, &all);
    }
    uint32_t from_part[LANES] = {0}, to_part[LANES] = {0}, within_part[LANES] = {0};
    memcpy(from_part, base + i, (count - i) * sizeof(float));
    memcpy(to_part, tuned + i, (count - i) * sizeof(float));
    for (size_t lane = 0; lane < count - i; lane++) within_part[lane] = ~0u;
    words from, to, within;
    memcpy(&from, from_part, sizeof from);
    memcpy(&to, to_part, sizeof to);
    memcpy(&within, within_part, sizeof within);
    add(&of, &from, &to, &within);
    double largest[LANES], most = 0;
    memcpy(largest, &of.largest, sizeof largest);
    for (size_t lane = 0; lane < LANES; lane++) most = largest[lane] > most ? largest[lane] : most;
    return (tenon_comparison){
        .base_power = folded(&of.base_power),
        .tuned_power = folded(&of.tuned_power),
        .product = folded(&of.product),
        .change_power = folded(&of.change_power),
        .rounding_power = folded(&of.rounding_power),
        .largest = most,
        .changed = total(&of.changed),
        .agreeing = total(&of.agreeing),
        .unusable = total(&of.unusable),
    };
}

TENON_COMPILED_BODIES(
    tenon_comparison, tenon_compare_pair, (const float *base, const float *tuned, size_t count), (base, tuned, count))
