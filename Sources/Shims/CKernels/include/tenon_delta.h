// The inner loops of putting a delta onto a base and of taking one from two checkpoints. Spec/arithmetic.md says what
// they compute, to the bit; every body gives the same bits.
//
// Buffers do not overlap. Those given as `void` hold elements of a dtype and need no alignment unless it is said.
#ifndef TENON_DELTA_H
#define TENON_DELTA_H

#include <stddef.h>
#include <stdint.h>

/// How elements are read. A plain element is an unsigned integer of that many bits, whatever its dtype means by it.
enum {
    TENON_BF16,
    TENON_F16,
    TENON_F32,
    TENON_F64,
    TENON_PLAIN8,
    TENON_PLAIN16,
    TENON_PLAIN32,
    TENON_PLAIN64,
};

// MARK: Apply

/// `sum[o, i] = fma(left[o, k], right[k, i], sum[o, i])` for k ascending, in fp32: sum is [rows, columns], left
/// [rows, rank], right [rank, columns]. A stride is the distance of two rows, in elements. Which NaN comes of several
/// is left open.
void tenon_lowrank_add(
    float *sum, size_t sum_stride, const float *left, size_t left_stride, const float *right, size_t right_stride,
    size_t rows, size_t columns, size_t rank);

/// What rounding did to a change. The call adds to every member; sums leave out elements whose result is not finite.
typedef struct {
    /// Σ sum².
    double power;
    /// Σ ((out − weight) − sum)².
    double noise;
    /// Elements whose sum is not zero, and those of them whose result has the weight's bits.
    uint64_t asked, lost;
    /// Finite weights whose result is not.
    uint64_t overflowed;
} tenon_rounding;

/// `out = RNE(RN32(weight + sum))` in the weights' dtype: `kind` is TENON_BF16, TENON_F16 or TENON_F32. An element
/// whose sum is zero, or that is a NaN, keeps its bits; any other NaN becomes the positive quiet one without payload.
/// `weights` and `out` are aligned to their elements; `report` may be null.
void tenon_round_sum(
    int kind, const void *weights, const float *sum, size_t count, void *out, tenon_rounding *report);

/// The same with a result in fp32, before it is narrowed. A NaN widens as tenon_f32_from_f16() has it.
void tenon_widen_sum(
    int kind, const void *weights, const float *sum, size_t count, float *out, tenon_rounding *report);

// MARK: Norms and scales

/// `squares[o] = Σ values[o, i]²` in fp64: lane i mod 16 sums its elements for i ascending, then lane l takes that of
/// l + 8, l + 4, l + 2, l + 1.
void tenon_row_squares(const float *values, size_t stride, size_t rows, size_t columns, double *squares);

/// `sums[i] += values[i]²` in fp64: one row's share of the squares of columns. Row o belongs to lane o mod 16.
void tenon_add_squares(const float *values, size_t count, double *sums);

/// Adds the sixteen lanes of each of `count` columns in the order of tenon_row_squares(): `lanes` is [16, count].
void tenon_fold_squares(const double *lanes, size_t count, double *squares);

/// `out[i] = values[i] * factor` and `out[i] = values[i] * factors[i]`, each rounded once; `out` may be `values`.
void tenon_scale(const float *values, float factor, size_t count, float *out);
void tenon_multiply(const float *values, const float *factors, size_t count, float *out);

// MARK: Signs

typedef struct {
    /// Σ |d| and Σ d² in fp64.
    double magnitude, square;
} tenon_sign_sums;

/// The sums over `d = RN32(tuned[i] − base[i])`, in the lanes and the order of tenon_row_squares().
tenon_sign_sums tenon_sum_signs(const float *base, const float *tuned, size_t count);

/// A bit for every element, i mod 8 of byte i / 8 counted from the lowest: set where the difference is not below zero.
/// Bits beyond `count` in the last byte are zero.
void tenon_encode_signs(const float *base, const float *tuned, size_t count, uint8_t *bits);

/// `sum[i] = RN32(sum[i] + scale)` where bit `first + i` is set, else `RN32(sum[i] − scale)`.
void tenon_add_signs(const uint8_t *bits, size_t first, size_t count, float scale, float *sum);

// MARK: Differences

/// The zig-zag difference of each element: floats are mapped to integers of their order first, plain ones are not.
void tenon_difference(int kind, const void *base, const void *tuned, size_t count, void *differences);
/// The inverse: `tuned` from `base` and the differences. `tuned` may be `base` or `differences`.
void tenon_add_difference(int kind, const void *base, const void *differences, size_t count, void *tuned);

/// The most elements a window of the kind `exact` has.
enum { TENON_WINDOW = 1 << 19 };

/// The differences of one window of at most TENON_WINDOW elements, ordered by the base's exponent, those of one exponent
/// as they lie. `counts[e]` says how many have exponent e. TENON_F64 and plain elements keep their places and count as
/// of exponent 0.
void tenon_exact_encode(
    int kind, const void *base, const void *tuned, size_t count, void *differences, uint32_t counts[256]);
/// The inverse; any differences give some result. `counts` are those of the base's exponents where they are known, else
/// NULL.
void tenon_exact_decode(
    int kind, const void *base, const void *differences, size_t count, void *tuned, const uint32_t counts[256]);

// MARK: Few changes

/// How many elements of `width` bytes, 1, 2, 4 or 8, differ.
size_t tenon_count_changed(const void *base, const void *tuned, size_t count, size_t width);

typedef struct {
    size_t gaps, differences;
} tenon_sparse_size;

/// The elements that differ, as gaps and differences. A gap is the number of equal elements before one that differs: a
/// byte of 255 for each 255 of them, then one for the rest, below 255. `pending` is the gap that runs on from the call
/// before, zero at a tensor's start; equal elements at its end need no gap. With c elements that differ, writes c
/// differences and at most c + (pending + count) / 255 bytes of gaps, and returns how many of each.
tenon_sparse_size tenon_sparse_encode(
    int kind, const void *base, const void *tuned, size_t count, uint64_t *pending, uint8_t *gaps,
    void *differences);

/// What is left of the two streams, and the gap being counted down: `skip` equal elements, all of the gap if `is_whole`.
/// A new stream has zeros there. At a tensor's end all members but the pointers are zero, or the streams do not fit it.
typedef struct {
    const uint8_t *gaps;
    size_t gap_count;
    const void *differences;
    size_t difference_count;
    uint64_t skip;
    int is_whole;
} tenon_sparse;

/// Changes `values`, a copy of the base's, in place. Returns how many elements are done: fewer than `count` where a
/// stream ran out. Then more of it may follow for the rest; if none does, the rest is equal.
size_t tenon_sparse_apply(int kind, tenon_sparse *stream, void *values, size_t count);

#endif
