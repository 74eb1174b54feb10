// Products of a block in tiles with thin panels. Registers hold a few rows of the result, one to three vectors wide, while
// the other dimension goes by; elements of the block are broadcast, so that its tiles are read as they lie either way.
#include <string.h>

#include "../internal.h"
#include "tenon_tiles.h"

typedef float vector __attribute__((ext_vector_type(16)));
typedef float loose_vector __attribute__((ext_vector_type(16), aligned(4), may_alias));
typedef double wide_vector __attribute__((ext_vector_type(16)));

enum { ROWS = TENON_TILE_ROWS, COLUMNS = TENON_TILE_COLUMNS, TILE = ROWS * COLUMNS, MOST_VECTORS = 3 };

#define UNROLLED _Pragma("clang loop unroll(full)")

// Macros, since functions that take or give vectors have another ABI on each instruction set.
#define load(from) (*(const loose_vector *)(const void *)(from))
#define store(value, to) (*(loose_vector *)(void *)(to) = (value))
#define widened(value) __builtin_convertvector(value, wide_vector)

/// How many vectors of a panel's width go together, of those that are left: as even as can be, so that none is alone.
TENON_INLINE size_t group(size_t left, const size_t most) {
    size_t groups = (left + most - 1) / most;
    return (left + groups - 1) / groups;
}

// MARK: Block times panel

/// `height` rows of one band, from a place in its first tile on, over `tiles` tiles. `product` is added to.
TENON_INLINE void multiply_rows(
    const float *band, size_t tiles, const float *panel, size_t width, float *product, const size_t height,
    const size_t vectors) {
    vector sums[ROWS][MOST_VECTORS];
    UNROLLED for (size_t o = 0; o < height; o++) {
        UNROLLED for (size_t v = 0; v < vectors; v++) sums[o][v] = load(product + o * width + v * COLUMNS);
    }
    for (size_t t = 0; t < tiles; t++, band += TILE) {
#pragma clang loop unroll_count(2)
        for (size_t i = 0; i < COLUMNS; i++, panel += width) {
            vector right[MOST_VECTORS];
            UNROLLED for (size_t v = 0; v < vectors; v++) right[v] = load(panel + v * COLUMNS);
            UNROLLED for (size_t o = 0; o < height; o++) {
                vector left = band[o * COLUMNS + i];
                UNROLLED for (size_t v = 0; v < vectors; v++) sums[o][v] += left * right[v];
            }
        }
    }
    UNROLLED for (size_t o = 0; o < height; o++) {
        UNROLLED for (size_t v = 0; v < vectors; v++) store(sums[o][v], product + o * width + v * COLUMNS);
    }
}

/// So many tiles of columns go by at once: their rows of the panel stay in the first-level cache for all bands.
enum { TILES_AT_ONCE = 16 };

TENON_INLINE void multiply_body(
    const float *block, size_t rows, size_t columns, const float *panel, size_t width, float *product,
    const size_t height, const size_t most) {
    memset(product, 0, rows * width * sizeof(float));
    size_t tiles = columns / COLUMNS;
    for (size_t t = 0; t < tiles; t += TILES_AT_ONCE) {
        size_t count = tiles - t < TILES_AT_ONCE ? tiles - t : TILES_AT_ONCE;
        const float *part = panel + t * COLUMNS * width;
        for (size_t v = 0, vectors; v < width / COLUMNS; v += vectors) {
            vectors = group(width / COLUMNS - v, most);
            for (size_t o = 0; o < rows; o += height) {
                const float *band = block + o / ROWS * tiles * TILE + t * TILE + o % ROWS * COLUMNS;
                float *to = product + o * width + v * COLUMNS;
                if (most >= 3 && vectors == 3) {
                    multiply_rows(band, count, part + v * COLUMNS, width, to, height, 3);
                } else if (most >= 2 && vectors == 2) {
                    multiply_rows(band, count, part + v * COLUMNS, width, to, height, 2);
                } else {
                    multiply_rows(band, count, part + v * COLUMNS, width, to, height, 1);
                }
            }
        }
    }
}

// MARK: Transposed block times panel

/// `height` columns of one tile, from a place in the tile of the first band on; `stride` is the distance of two bands.
TENON_INLINE void multiply_columns(
    const float *tile, size_t bands, size_t stride, const float *product, size_t width, float *panel,
    const size_t height, const size_t vectors) {
    vector sums[ROWS][MOST_VECTORS];
    UNROLLED for (size_t i = 0; i < height; i++) {
        UNROLLED for (size_t v = 0; v < vectors; v++) sums[i][v] = load(panel + i * width + v * COLUMNS);
    }
    for (size_t b = 0; b < bands; b++, tile += stride) {
#pragma clang loop unroll_count(2)
        for (size_t o = 0; o < ROWS; o++, product += width) {
            vector right[MOST_VECTORS];
            UNROLLED for (size_t v = 0; v < vectors; v++) right[v] = load(product + v * COLUMNS);
            UNROLLED for (size_t i = 0; i < height; i++) {
                vector left = tile[o * COLUMNS + i];
                UNROLLED for (size_t v = 0; v < vectors; v++) sums[i][v] += left * right[v];
            }
        }
    }
    UNROLLED for (size_t i = 0; i < height; i++) {
        UNROLLED for (size_t v = 0; v < vectors; v++) store(sums[i][v], panel + i * width + v * COLUMNS);
    }
}

TENON_INLINE void multiply_transposed_body(
    const float *block, size_t rows, size_t columns, const float *product, size_t width, float *panel,
    const size_t height, const size_t most) {
    size_t stride = columns * ROWS, bands = rows / ROWS;
    for (size_t i = 0; i < columns; i += height) {
        const float *tile = block + i / COLUMNS * TILE + i % COLUMNS;
        for (size_t v = 0, vectors; v < width / COLUMNS; v += vectors) {
            vectors = group(width / COLUMNS - v, most);
            float *to = panel + i * width + v * COLUMNS;
            if (most >= 3 && vectors == 3) {
                multiply_columns(tile, bands, stride, product + v * COLUMNS, width, to, height, 3);
            } else if (most >= 2 && vectors == 2) {
                multiply_columns(tile, bands, stride, product + v * COLUMNS, width, to, height, 2);
            } else {
                multiply_columns(tile, bands, stride, product + v * COLUMNS, width, to, height, 1);
            }
        }
    }
}

// MARK: Residual

/// Adds the squares of `height` rows of `vectors` tiles in one band.
TENON_INLINE void residual_tiles(
    const float *tile, const float *left, const float *right, size_t rank, wide_vector *squares, const size_t height,
    const size_t vectors) {
    vector sums[ROWS][MOST_VECTORS];
    UNROLLED for (size_t o = 0; o < height; o++) {
        UNROLLED for (size_t v = 0; v < vectors; v++) sums[o][v] = load(tile + v * TILE + o * COLUMNS);
    }
    for (size_t k = 0; k < rank; k++) {
        vector factors[MOST_VECTORS];
        UNROLLED for (size_t v = 0; v < vectors; v++) factors[v] = load(right + (v * rank + k) * COLUMNS);
        UNROLLED for (size_t o = 0; o < height; o++) {
            vector negative = -left[o * rank + k];
            UNROLLED for (size_t v = 0; v < vectors; v++) sums[o][v] += negative * factors[v];
        }
    }
    UNROLLED for (size_t v = 0; v < vectors; v++) {
        UNROLLED for (size_t o = 0; o < height; o++) {
            wide_vector x = widened(sums[o][v]);
            *squares += x * x;
        }
    }
}

TENON_INLINE double total(const wide_vector *squares) {
    double sum = 0;
    for (size_t lane = 0; lane < COLUMNS; lane++) sum += (*squares)[lane];
    return sum;
}

TENON_INLINE double residual_body(
    const float *block, size_t rows, size_t columns, const float *left, const float *right, size_t rank,
    const size_t height, const size_t most) {
    wide_vector squares = 0;
    size_t tiles = columns / COLUMNS;
    // Squares are summed in one order whatever a body's registers hold: by bands, tiles, rows.
    for (size_t o = 0; o < rows; o += ROWS) {
        for (size_t t = 0, vectors; t < tiles; t += vectors) {
            const float *tile = block + o * columns + t * TILE, *factors = right + t * rank * COLUMNS;
            vectors = most >= 2 && tiles - t >= 2 ? 2 : 1;
            if (most >= 2 && vectors == 2) {
                residual_tiles(tile, left + o * rank, factors, rank, &squares, ROWS, 2);
                continue;
            }
            for (size_t half = 0; half < ROWS; half += height) {
                residual_tiles(
                    tile + half * COLUMNS, left + (o + half) * rank, factors, rank, &squares, height, 1);
            }
        }
    }
    return total(&squares);
}

// MARK: Bodies

// Thirty-two registers of one vector hold eight rows of three; elsewhere a vector is two to four of sixteen, or four of
// thirty-two.
#if defined(__x86_64__)

#define BODIES(result, name, parameters, ...)                                                                         \
    static result name##_portable parameters { return name##_body(__VA_ARGS__, 4, 1); }                               \
    __attribute__((target("avx2,fma"))) static result name##_avx2 parameters {                                        \
        return name##_body(__VA_ARGS__, 4, 1);                                                                        \
    }                                                                                                                 \
    __attribute__((target("avx512f,avx512bw"))) static result name##_avx512 parameters {                              \
        return name##_body(__VA_ARGS__, 8, 3);                                                                        \
    }                                                                                                                 \
    result tenon_tiles_##name parameters {                                                                            \
        int level = tenon_simd_level();                                                                               \
        return level >= TENON_SIMD_AVX512 ? name##_avx512(__VA_ARGS__)                                                \
            : level >= TENON_SIMD_AVX2    ? name##_avx2(__VA_ARGS__)                                                  \
                                          : name##_portable(__VA_ARGS__);                                             \
    }

#else

#define BODIES(result, name, parameters, ...)                                                                         \
    result tenon_tiles_##name parameters { return name##_body(__VA_ARGS__, 4, 1); }

#endif

BODIES(
    void, multiply,
    (const float *block, size_t rows, size_t columns, const float *panel, size_t width, float *product), block, rows,
    columns, panel, width, product)
BODIES(
    void, multiply_transposed,
    (const float *block, size_t rows, size_t columns, const float *product, size_t width, float *panel), block, rows,
    columns, product, width, panel)
BODIES(
    double, residual,
    (const float *block, size_t rows, size_t columns, const float *left, const float *right, size_t rank), block, rows,
    columns, left, right, rank)

TENON_INLINE double tenon_tile_difference_body(
    const float *base, const float *tuned, size_t columns, float scale, float *row) {
    wide_vector squares = 0;
    for (size_t i = 0; i < columns; i += COLUMNS, row += TILE) {
        vector from = 0, to = 0;
        if (columns - i >= COLUMNS) {
            from = load(base + i);
            to = load(tuned + i);
        } else {
            memcpy(&from, base + i, (columns - i) * sizeof(float));
            memcpy(&to, tuned + i, (columns - i) * sizeof(float));
        }
        vector difference = to - from;
        wide_vector x = widened(difference);
        squares += x * x;
        store(scale * difference, row);
    }
    return total(&squares);
}

TENON_COMPILED_BODIES(
    double, tenon_tile_difference,
    (const float *base, const float *tuned, size_t columns, float scale, float *row),
    (base, tuned, columns, scale, row))
