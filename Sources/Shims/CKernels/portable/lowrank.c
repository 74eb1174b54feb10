// The product of two thin matrices added to a third, by fused multiply-adds: each element is a chain over the rank, so
// vectors run across columns only and hold a tile of the sum in registers while the rank goes by.
#include <math.h>

#include "../internal.h"
#include "tenon_delta.h"

/// What all bodies are given.
typedef struct {
    float *sum;
    size_t sum_stride;
    const float *left;
    size_t left_stride;
    const float *right;
    size_t right_stride;
    size_t rank;
} product;

/// The element (o, i) of the sum as the first of `of`.
static product moved(product of, size_t o, size_t i) {
    of.sum += o * of.sum_stride + i;
    of.left += o * of.left_stride;
    of.right += i;
    return of;
}

static void columns_portable(product of, size_t rows, size_t columns) {
    for (size_t o = 0; o < rows; o++) {
        for (size_t k = 0; k < of.rank; k++) {
            float *sum = of.sum + o * of.sum_stride;
            const float factor = of.left[o * of.left_stride + k], *right = of.right + k * of.right_stride;
            for (size_t i = 0; i < columns; i++) sum[i] = fmaf(factor, right[i], sum[i]);
        }
    }
}

#if defined(__x86_64__) || defined(__aarch64__)

typedef float vector __attribute__((ext_vector_type(16)));
typedef float loose_vector __attribute__((ext_vector_type(16), aligned(4), may_alias));

enum { LANES = 16, MOST_ROWS = 8, MOST_VECTORS = 3 };

TENON_INLINE void tile(product of, const size_t rows, const size_t vectors) {
    vector sums[MOST_ROWS][MOST_VECTORS];
#pragma clang loop unroll(full)
    for (size_t o = 0; o < rows; o++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) {
            sums[o][v] = *(const loose_vector *)(of.sum + o * of.sum_stride + LANES * v);
        }
    }
    for (size_t k = 0; k < of.rank; k++) {
        vector right[MOST_VECTORS];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) {
            right[v] = *(const loose_vector *)(of.right + k * of.right_stride + LANES * v);
        }
#pragma clang loop unroll(full)
        for (size_t o = 0; o < rows; o++) {
            vector left = of.left[o * of.left_stride + k];
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) sums[o][v] = __builtin_elementwise_fma(left, right[v], sums[o][v]);
        }
    }
#pragma clang loop unroll(full)
    for (size_t o = 0; o < rows; o++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) *(loose_vector *)(of.sum + o * of.sum_stride + LANES * v) = sums[o][v];
    }
}

/// `rows` whole rows of `columns`, a multiple of LANES.
TENON_INLINE void band(product of, const size_t rows, size_t columns, const size_t vectors) {
    size_t i = 0;
    for (; columns - i >= LANES * vectors; i += LANES * vectors) tile(moved(of, 0, i), rows, vectors);
    for (; i < columns; i += LANES) tile(moved(of, 0, i), rows, 1);
}

/// So many floats of the right factor stay in the second-level cache while the rows go by.
static const size_t right_block = 32768;

/// Does whole vectors of columns; returns how many columns that is. Registers hold tiles of `height` rows.
TENON_INLINE size_t
columns_body(product of, size_t rows, size_t columns, const size_t height, const size_t vectors) {
    size_t step = LANES * vectors;
    size_t block = right_block / (of.rank + 1) / step * step;
    if (block < step) block = step;
    size_t whole = columns / LANES * LANES;
    for (size_t i = 0; i < whole; i += block) {
        size_t width = whole - i < block ? whole - i : block, o = 0;
        for (; rows - o >= height; o += height) band(moved(of, o, i), height, width, vectors);
        for (; rows - o >= 2; o += 2) band(moved(of, o, i), 2, width, vectors);
        for (; o < rows; o++) band(moved(of, o, i), 1, width, vectors);
    }
    return whole;
}

#if defined(__x86_64__)

__attribute__((target("avx512f,avx512bw"))) static size_t columns_avx512(product of, size_t rows, size_t columns) {
    return columns_body(of, rows, columns, 8, 3);
}

// Sixteen registers: a vector is two, so twelve hold the sum.
__attribute__((target("avx2,fma"))) static size_t columns_avx2(product of, size_t rows, size_t columns) {
    return columns_body(of, rows, columns, 6, 1);
}

static size_t columns_vectors(product of, size_t rows, size_t columns) {
    int level = tenon_simd_level();
    return level >= TENON_SIMD_AVX512 ? columns_avx512(of, rows, columns)
        : level >= TENON_SIMD_AVX2    ? columns_avx2(of, rows, columns)
                                      : 0;
}

#else

static size_t columns_vectors(product of, size_t rows, size_t columns) {
    return tenon_simd_level() >= TENON_SIMD_NEON ? columns_body(of, rows, columns, 6, 1) : 0;
}

#endif

#else

static size_t columns_vectors(product of, size_t rows, size_t columns) {
    (void)of, (void)rows, (void)columns;
    return 0;
}

#endif

void tenon_lowrank_add(
    float *sum, size_t sum_stride, const float *left, size_t left_stride, const float *right, size_t right_stride,
    size_t rows, size_t columns, size_t rank) {
    product of = {sum, sum_stride, left, left_stride, right, right_stride, rank};
    size_t done = columns_vectors(of, rows, columns);
    if (done < columns) columns_portable(moved(of, 0, done), rows, columns - done);
}
