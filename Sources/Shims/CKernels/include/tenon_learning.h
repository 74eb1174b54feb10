// What training computes, for float and for double: one table of functions for each, of the instruction set in use.
//
// Every function is given the part of the work to do, a range of rows or of columns, so that the caller can share it out;
// no bit depends on how. Products are chains of fused multiply-adds; products and sums elsewhere are fused only where the
// source says so. So every body gives the same bits. Buffers overlap only where a function says that they may.
#ifndef TENON_LEARNING_H
#define TENON_LEARNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// MARK: Arguments

/// Row-major; `stride` numbers from one row to the next. A stride of zero repeats one row. Numbers are the table's own,
/// unless a function says otherwise.
typedef struct {
    void *_Nullable start;
    size_t rows;
    size_t columns;
    size_t stride;
} tenon_matrix;

typedef struct {
    size_t from;
    size_t to;
} tenon_range;

/// What the numbers of an operand are: the table's own, or narrower ones that are widened, which is exact.
enum {
    TENON_NUMBERS_OWN,
    TENON_NUMBERS_F32,
    TENON_NUMBERS_BF16,
    TENON_NUMBERS_F16,
};

/// A factor that is read where it lies. `stride` numbers lead from row to row as it lies, before it is transposed.
typedef struct {
    const void *start;
    size_t stride;
    int numbers;
    int is_transposed;
} tenon_operand;

/// The product `left · right`, whose inner dimension is `depth`. A left operand of other numbers than the table's own is
/// not transposed.
typedef struct {
    tenon_operand left;
    tenon_operand right;
    size_t depth;
} tenon_term;

/// Queries, keys and values of one segment, row by row; heads lie next to each other in a row, `size` numbers each, and
/// `heads / key_heads` heads in turn share one of keys and values. Query i sees key j where
/// `j <= i + keys − queries`, if `is_causal`, and `j > i + keys − queries − window`, unless `window` is 0.
typedef struct {
    tenon_matrix query;
    tenon_matrix key;
    tenon_matrix value;
    tenon_matrix output;
    /// [queries, heads]: the logarithm of the sum of the exponentials of a query's scores.
    tenon_matrix log_sums;
    size_t heads;
    size_t key_heads;
    size_t size;
    size_t window;
    int is_causal;
    double scale;
} tenon_attention;

/// As torch.optim.AdamW has it; the corrections are `1 − beta^step`.
typedef struct {
    double rate;
    double first_decay;
    double second_decay;
    double first_correction;
    double second_correction;
    double epsilon;
    double weight_decay;
} tenon_adamw;

enum {
    TENON_GELU_ERF,
    TENON_GELU_TANH,
};

/// Scores of one chunk of tokens against the whole vocabulary, [vocabulary, tokens], and what is known of them. The
/// vocabulary goes by blocks of TENON_SCORE_BLOCK; the statistics are [blocks, TENON_SCORE_TOKENS].
typedef struct {
    tenon_matrix scores;
    const int32_t *labels;
    /// The highest score in a block, where it is first, and the sum of the exponentials of differences to it.
    void *highest;
    int32_t *place;
    void *sum;
    /// [tokens]: the score of each token's label.
    void *labeled;
} tenon_scores;

enum { TENON_SCORE_BLOCK = 512, TENON_SCORE_TOKENS = 64 };

// MARK: Functions

typedef struct {
    /// Bytes of scratch, aligned to 64, that functions with a parameter of this name need; no two calls at once share it.
    size_t scratch_bytes;

    /// `c = start + Σ terms` for a block of c: each element is one chain of fused multiply-adds that begins with the
    /// element of start, over the terms in order and their depth in order. Start without memory is zeros; it may be c. A
    /// left operand of other numbers allows 512 rows at most.
    void (*multiply)(
        const tenon_term *terms, size_t count, tenon_matrix start, tenon_matrix c, tenon_range rows,
        tenon_range columns, void *scratch);
    /// Widens an operand, as it lies.
    void (*widen)(tenon_operand from, tenon_matrix to, tenon_range rows);

    /// `inverse = 1 / √(mean(x²) + epsilon)`, `y = weight ∘ (x inverse)`.
    void (*rms_norm)(
        tenon_matrix x, tenon_matrix weight, double epsilon, tenon_matrix y, tenon_matrix inverse, tenon_range rows);
    /// Adds to dx.
    void (*rms_norm_backward)(
        tenon_matrix x, tenon_matrix weight, tenon_matrix inverse, tenon_matrix dy, tenon_matrix dx, tenon_range rows);
    /// Adds to the weight's gradient.
    void (*rms_norm_weight)(
        tenon_matrix x, tenon_matrix inverse, tenon_matrix dy, tenon_matrix gradient, tenon_range columns);
    /// `inverse = 1 / √(variance + epsilon)`, `y = weight ∘ ((x − mean) inverse) + bias`.
    void (*layer_norm)(
        tenon_matrix x, tenon_matrix weight, tenon_matrix bias, double epsilon, tenon_matrix y, tenon_matrix mean,
        tenon_matrix inverse, tenon_range rows);
    void (*layer_norm_backward)(
        tenon_matrix x, tenon_matrix weight, tenon_matrix mean, tenon_matrix inverse, tenon_matrix dy, tenon_matrix dx,
        tenon_range rows);
    void (*layer_norm_weight)(
        tenon_matrix x, tenon_matrix mean, tenon_matrix inverse, tenon_matrix dy, tenon_matrix gradient,
        tenon_range columns);

    /// Turns each pair of numbers of each head by its angle, in place; pairs are `2j, 2j + 1` or `j, j + half`. The tables
    /// are [positions, half]; what is left of a head stays. `is_inverse` turns back.
    void (*rotate)(
        tenon_matrix x, size_t heads, tenon_matrix cosines, tenon_matrix sines, const int32_t *positions,
        int is_interleaved, int is_inverse, tenon_range rows);

    /// `h = gate σ(gate) up`.
    void (*swiglu)(tenon_matrix gate, tenon_matrix up, tenon_matrix h, tenon_range rows);
    /// Writes the gradients over gate and up, and h, if it has memory; h may be dh.
    void (*swiglu_backward)(tenon_matrix gate, tenon_matrix up, tenon_matrix dh, tenon_matrix h, tenon_range rows);
    /// y may be x; dx may be x or dy.
    void (*gelu)(tenon_matrix x, int kind, tenon_matrix y, tenon_range rows);
    void (*gelu_backward)(tenon_matrix x, tenon_matrix dy, int kind, tenon_matrix dx, tenon_range rows);

    /// One head of queries.
    void (*attention)(const tenon_attention *of, size_t head, void *scratch);
    /// One head of keys and the heads of queries that share it. Writes dq, dk and dv.
    void (*attention_backward)(
        const tenon_attention *of, tenon_matrix gradient, tenon_matrix dq, tenon_matrix dk, tenon_matrix dv,
        size_t key_head, void *scratch);

    /// Scores of one block of the vocabulary, their statistics, and the exponentials of their differences to the highest.
    /// The bias, one row, is none where it has no memory.
    void (*scores)(
        const tenon_scores *of, tenon_operand head, tenon_matrix bias, tenon_matrix x, size_t block, void *scratch);
    /// Adds the negative log likelihoods of a chunk, and says of each token whether its label has the highest score. Leaves in
    /// `highest` what makes `scale · softmax` of exponentials.
    void (*likelihood)(const tenon_scores *of, double scale, double *loss, bool *right);
    /// Makes `scale (softmax − onehot)` of the exponentials of one block.
    void (*scores_backward)(const tenon_scores *of, double scale, size_t block);

    /// `x[t] = table[tokens[t]]`.
    void (*embed)(const int32_t *tokens, tenon_operand table, tenon_matrix x, tenon_range rows);
    /// `gradient[tokens[t]] += dx[t]`.
    void (*embed_backward)(const int32_t *tokens, tenon_matrix dx, tenon_matrix gradient, tenon_range columns);

    /// `y += x`.
    void (*add)(tenon_matrix x, tenon_matrix y, tenon_range rows);
    void (*scale)(tenon_matrix x, double factor, tenon_range rows);
    /// `y = x ∘ row`; y may be x.
    void (*scale_columns)(tenon_matrix x, tenon_matrix row, tenon_matrix y, tenon_range rows);
    /// `y = x ∘ column`; y may be x.
    void (*scale_rows)(tenon_matrix x, tenon_matrix column, tenon_matrix y, tenon_range rows);
    /// `row += Σ_t g[t]`.
    void (*column_sums)(tenon_matrix g, tenon_matrix row, tenon_range columns);
    /// `row += Σ_t g[t] ∘ y[t]`, fused.
    void (*column_sums_of_products)(tenon_matrix g, tenon_matrix y, tenon_matrix row, tenon_range columns);
    /// `column[i] = Σ_j x[i, j]²`, in fp64.
    void (*row_squares)(tenon_operand x, size_t columns, tenon_matrix column, tenon_range rows, void *scratch);
    double (*squared_norm)(tenon_matrix x, tenon_range rows);
    /// Zeros elements at `rate` and divides the others by `1 − rate`; an element's place is `first + row · columns +
    /// column`. y may be x.
    void (*dropout)(tenon_matrix x, double rate, uint64_t key, uint64_t first, tenon_matrix y, tenon_range rows);
    void (*adamw)(
        tenon_matrix parameter, tenon_matrix gradient, tenon_matrix first, tenon_matrix second,
        const tenon_adamw *options, tenon_range rows);
} tenon_learning;

/// The functions for float and for double, of the instruction set in use.
const tenon_learning *tenon_learning_f32(void);
const tenon_learning *tenon_learning_f64(void);

#pragma clang assume_nonnull end

#endif
