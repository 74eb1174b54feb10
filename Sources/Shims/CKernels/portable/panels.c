// Small products in fp64: what makes the columns of thin panels orthonormal and turns them.
#include "../internal.h"
#include "tenon_tiles.h"

enum { WIDTH = TENON_TILE_COLUMNS, HEIGHT = 4 };

typedef float vector __attribute__((ext_vector_type(16)));
typedef float loose_vector __attribute__((ext_vector_type(16), aligned(4), may_alias));
typedef double wide_vector __attribute__((ext_vector_type(16)));
typedef double loose_wide_vector __attribute__((ext_vector_type(16), aligned(8), may_alias));

#define UNROLLED _Pragma("clang loop unroll(full)")

#define widened(from) __builtin_convertvector(*(const loose_vector *)(const void *)(from), wide_vector)

TENON_INLINE void tenon_panel_gram_body(const float *panel, size_t rows, size_t width, double *gram) {
    for (size_t i = 0; i < width; i += HEIGHT) {
        for (size_t j = i / WIDTH * WIDTH; j < width; j += WIDTH) {
            wide_vector sums[HEIGHT] = {0};
            for (size_t o = 0; o < rows; o++) {
                const float *row = panel + o * width;
                wide_vector right = widened(row + j);
                UNROLLED for (size_t k = 0; k < HEIGHT; k++) sums[k] += (double)row[i + k] * right;
            }
            UNROLLED for (size_t k = 0; k < HEIGHT; k++) {
                *(loose_wide_vector *)(void *)(gram + (i + k) * width + j) = sums[k];
            }
        }
    }
}

TENON_COMPILED_BODIES(
    void, tenon_panel_gram, (const float *panel, size_t rows, size_t width, double *gram), (panel, rows, width, gram))

/// `height` rows of a product.
TENON_INLINE void multiply_rows(
    const float *panel, size_t width, const double *matrix, size_t columns, float *product, const size_t height) {
    for (size_t j = 0; j < columns; j += WIDTH) {
        wide_vector sums[HEIGHT] = {0};
        for (size_t i = 0; i < width; i++) {
            wide_vector right = *(const loose_wide_vector *)(const void *)(matrix + i * columns + j);
            UNROLLED for (size_t o = 0; o < height; o++) sums[o] += (double)panel[o * width + i] * right;
        }
        UNROLLED for (size_t o = 0; o < height; o++) {
            *(loose_vector *)(void *)(product + o * columns + j) = __builtin_convertvector(sums[o], vector);
        }
    }
}

TENON_INLINE void tenon_panel_multiply_body(
    const float *panel, size_t rows, size_t width, const double *matrix, size_t columns, float *product) {
    size_t o = 0;
    for (; rows - o >= HEIGHT; o += HEIGHT) {
        multiply_rows(panel + o * width, width, matrix, columns, product + o * columns, HEIGHT);
    }
    for (; o < rows; o++) multiply_rows(panel + o * width, width, matrix, columns, product + o * columns, 1);
}

TENON_COMPILED_BODIES(
    void, tenon_panel_multiply,
    (const float *panel, size_t rows, size_t width, const double *matrix, size_t columns, float *product),
    (panel, rows, width, matrix, columns, product))

TENON_INLINE void tenon_panel_sum_body(
    const float *parts, size_t parts_count, size_t count, size_t from, size_t to, float *sum) {
    for (size_t i = from; i < to; i += WIDTH) {
        wide_vector total = 0;
        for (size_t part = 0; part < parts_count; part++) total += widened(parts + part * count + i);
        *(loose_vector *)(void *)(sum + i) = __builtin_convertvector(total, vector);
    }
}

TENON_COMPILED_BODIES(
    void, tenon_panel_sum,
    (const float *parts, size_t parts_count, size_t count, size_t from, size_t to, float *sum),
    (parts, parts_count, count, from, to, sum))

TENON_INLINE void tenon_add_scaled_body(
    double *to, size_t to_place, const double *from, size_t from_place, size_t count, double factor) {
    double *restrict sum = to + to_place;
    const double *restrict values = from + from_place;
    for (size_t i = 0; i < count; i++) sum[i] += factor * values[i];
}

TENON_COMPILED_BODIES(
    void, tenon_add_scaled,
    (double *to, size_t to_place, const double *from, size_t from_place, size_t count, double factor),
    (to, to_place, from, from_place, count, factor))

TENON_INLINE double tenon_inner_body(
    const double *a, size_t a_place, const double *b, size_t b_place, size_t count) {
    const double *x = a + a_place, *y = b + b_place;
    wide_vector sums = 0;
    size_t i = 0;
    for (; count - i >= WIDTH; i += WIDTH) {
        sums += *(const loose_wide_vector *)(const void *)(x + i) * *(const loose_wide_vector *)(const void *)(y + i);
    }
    double sum = 0;
    for (size_t lane = 0; lane < WIDTH; lane++) sum += sums[lane];
    for (; i < count; i++) sum += x[i] * y[i];
    return sum;
}

TENON_COMPILED_BODIES(
    double, tenon_inner, (const double *a, size_t a_place, const double *b, size_t b_place, size_t count),
    (a, a_place, b, b_place, count))

TENON_INLINE void tenon_rotate_body(
    double *matrix, size_t upper_place, size_t lower_place, size_t count, double sine, double cosine) {
    double *restrict upper = matrix + upper_place, *restrict lower = matrix + lower_place;
    for (size_t i = 0; i < count; i++) {
        double u = upper[i], l = lower[i];
        upper[i] = cosine * u - sine * l;
        lower[i] = sine * u + cosine * l;
    }
}

TENON_COMPILED_BODIES(
    void, tenon_rotate,
    (double *matrix, size_t upper_place, size_t lower_place, size_t count, double sine, double cosine),
    (matrix, upper_place, lower_place, count, sine, cosine))
