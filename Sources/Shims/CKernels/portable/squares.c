// Sums of squares in fp64 over a fixed tree, and products. The square of an fp32 value is exact in fp64, so only the sums
// round, in one order.
#include <string.h>

#include "../internal.h"
#include "tenon_delta.h"

#pragma STDC FP_CONTRACT OFF

enum { LANES = 16 };

typedef float floats __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef double lanes __attribute__((ext_vector_type(LANES)));

TENON_INLINE void tenon_row_squares_body(
    const float *values, size_t stride, size_t rows, size_t columns, double *squares) {
    size_t whole = columns / LANES * LANES;
    for (size_t o = 0; o < rows; o++) {
        const float *row = values + o * stride;
        lanes sums = 0;
        for (size_t i = 0; i < whole; i += LANES) {
            lanes x = __builtin_convertvector(*(const floats *)(const void *)(row + i), lanes);
            sums += x * x;
        }
        float last[LANES] = {0};
        memcpy(last, row + whole, (columns - whole) * sizeof(float));
        lanes x = __builtin_convertvector(*(const floats *)(const void *)last, lanes);
        sums += x * x;
        double tree[LANES];
        memcpy(tree, &sums, sizeof tree);
        for (size_t half = LANES / 2; half > 0; half /= 2) {
            for (size_t lane = 0; lane < half; lane++) tree[lane] += tree[lane + half];
        }
        squares[o] = tree[0];
    }
}

TENON_COMPILED_BODIES(
    void, tenon_row_squares,
    (const float *values, size_t stride, size_t rows, size_t columns, double *squares),
    (values, stride, rows, columns, squares))

TENON_INLINE void tenon_add_squares_body(const float *restrict values, size_t count, double *restrict sums) {
    for (size_t i = 0; i < count; i++) {
        double x = values[i];
        sums[i] += x * x;
    }
}

TENON_COMPILED_BODIES(
    void, tenon_add_squares, (const float *values, size_t count, double *sums), (values, count, sums))

void tenon_fold_squares(const double *lanes, size_t count, double *squares) {
    for (size_t i = 0; i < count; i++) {
        double tree[LANES];
        for (size_t lane = 0; lane < LANES; lane++) tree[lane] = lanes[lane * count + i];
        for (size_t half = LANES / 2; half > 0; half /= 2) {
            for (size_t lane = 0; lane < half; lane++) tree[lane] += tree[lane + half];
        }
        squares[i] = tree[0];
    }
}

TENON_INLINE void tenon_scale_body(const float *values, float factor, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = values[i] * factor;
}

TENON_COMPILED_BODIES(
    void, tenon_scale, (const float *values, float factor, size_t count, float *out), (values, factor, count, out))

TENON_INLINE void
tenon_multiply_body(const float *values, const float *factors, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = values[i] * factors[i];
}

TENON_COMPILED_BODIES(
    void, tenon_multiply, (const float *values, const float *factors, size_t count, float *out),
    (values, factors, count, out))
