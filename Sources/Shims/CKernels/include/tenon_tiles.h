// The inner loops of subspace iteration: a block of rows of a large matrix times a thin panel, the block's transpose
// times another, and small products in fp64. Every body sums in the same order; those with fused multiply-adds, all but the
// portable one of x86, give the same bits.
//
// A block lies in bands of TENON_TILE_ROWS rows; a band lies in tiles of TENON_TILE_COLUMNS columns; a tile is row-major.
// Rows and columns of blocks are padded to whole tiles with zeros, and the counts given include the padding. A panel is
// row-major and its width a multiple of TENON_TILE_COLUMNS. Buffers do not overlap.
#ifndef TENON_TILES_H
#define TENON_TILES_H

#include <stddef.h>

enum { TENON_TILE_ROWS = 8, TENON_TILE_COLUMNS = 16 };

/// Writes `scale * (tuned − base)` as one row of a block, padding included; `row` is its place in its band's first tile.
/// Returns the sum of their squares before scaling, in fp64: finite exactly if all differences are.
double tenon_tile_difference(const float *base, const float *tuned, size_t columns, float scale, float *row);

/// `product = block · panel`: panel [columns, width], product [rows, width].
void tenon_tiles_multiply(
    const float *block, size_t rows, size_t columns, const float *panel, size_t width, float *product);

/// `panel += blockᵀ · product`: product [rows, width], panel [columns, width].
void tenon_tiles_multiply_transposed(
    const float *block, size_t rows, size_t columns, const float *product, size_t width, float *panel);

/// `‖block − left · right‖²`, the product in fp32 and the sum in fp64: left [rows, rank] row-major, right [rank, columns]
/// with the columns of one tile next to each other, as [columns / TENON_TILE_COLUMNS, rank, TENON_TILE_COLUMNS].
double tenon_tiles_residual(
    const float *block, size_t rows, size_t columns, const float *left, const float *right, size_t rank);

/// `gram = panelᵀ · panel` in fp64, [width, width]: only what lies on and above the diagonal is meaningful.
void tenon_panel_gram(const float *panel, size_t rows, size_t width, double *gram);

/// `product = panel · matrix` in fp64, rounded once: panel [rows, width], matrix [width, columns], product
/// [rows, columns]; columns is a multiple of TENON_TILE_COLUMNS.
void tenon_panel_multiply(
    const float *panel, size_t rows, size_t width, const double *matrix, size_t columns, float *product);

/// `sum[i] = Σ parts[p * count + i]` in fp64 for p ascending, rounded once, for i in `from..<to`; `to − from` is a multiple
/// of TENON_TILE_COLUMNS.
void tenon_panel_sum(
    const float *parts, size_t parts_count, size_t count, size_t from, size_t to, float *sum);

/// `to[to_place + i] += factor * from[from_place + i]`; both may lie in one matrix.
void tenon_add_scaled(
    double *to, size_t to_place, const double *from, size_t from_place, size_t count, double factor);

/// `Σ a[a_place + i] * b[b_place + i]` in 16 lanes, added in their order.
double tenon_inner(const double *a, size_t a_place, const double *b, size_t b_place, size_t count);

/// Turns two rows of a matrix: upper becomes `cosine * upper − sine * lower`, lower `sine * upper + cosine * lower`.
void tenon_rotate(double *matrix, size_t upper_place, size_t lower_place, size_t count, double sine, double cosine);

#endif
