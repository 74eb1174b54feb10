// Times the loops of apply and of differences on one core: delta best|avx512|avx2|neon|portable
//
// Prints a line for each, its name and its rate: GFLOP/s for the product, else GB/s of what its comment names. Data fit
// the second-level cache unless said. Exits 69 where the processor lacks the level.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tenon_delta.h"
#include "tenon_kernels.h"
#include "tenon_rans.h"

static const double duration = 0.3;

/// A window of the kind `exact`, and the rows of a block of weights.
enum { WINDOW = TENON_WINDOW, ROWS = 32, COLUMNS = 4096, RANK = 16 };

static uint16_t *base, *tuned, *coded, *back, *some;
static float *wide, *sum, *left, *right;
static double squares[ROWS];
static uint32_t counts[256];

/// The processor's time, which others on a busy machine disturb less.
static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double uniform(void) {
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(state >> 11) + 0.5) * 0x1p-53;
}

static float gaussian(void) {
    return (float)(sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform()));
}

static void product(void) {
    tenon_lowrank_add(sum, COLUMNS, left, RANK, right, COLUMNS, ROWS, COLUMNS, RANK);
}

static void round_sum(void) {
    tenon_round_sum(TENON_BF16, base, sum, ROWS * COLUMNS, back, NULL);
}

static void round_sum_report(void) {
    tenon_rounding report = {0};
    tenon_round_sum(TENON_BF16, base, sum, ROWS * COLUMNS, back, &report);
}

static void round_sum_f32(void) {
    tenon_round_sum(TENON_F32, wide, sum, ROWS * COLUMNS, back, NULL);
}

static void row_squares(void) {
    tenon_row_squares(wide, COLUMNS, ROWS, COLUMNS, squares);
}

static void difference(void) {
    tenon_difference(TENON_BF16, base, tuned, WINDOW, coded);
}

static void exact_encode(void) {
    tenon_exact_encode(TENON_BF16, base, tuned, WINDOW, coded, counts);
}

static void exact_encode_split(void) {
    exact_encode();
    tenon_split_bytes((const uint8_t *)coded, WINDOW, 2, (uint8_t *)back);
}

static void exact_decode(void) {
    tenon_exact_decode(TENON_BF16, base, coded, WINDOW, back, NULL);
}

static void count_changed(void) {
    tenon_count_changed(base, some, WINDOW, 2);
}

static void sparse_encode(void) {
    uint64_t pending = 0;
    tenon_sparse_encode(TENON_BF16, base, some, WINDOW, &pending, (uint8_t *)back, coded);
}

/// The low bytes of the differences, which `fill` has coded with one table.
static uint8_t *plane, *packed, *unpacked;
static uint16_t frequencies[256];
static size_t packed_count;

static void rans_encode(void) {
    packed_count = tenon_rans_encode(plane, WINDOW, frequencies, packed, 2 * WINDOW);
}

static void rans_decode(void) {
    if (!tenon_rans_decode(packed, packed_count, frequencies, unpacked, WINDOW)) exit(2);
}

/// Runs per second.
static double rate(void (*run)(void)) {
    run();
    double begin = now(), elapsed;
    size_t runs = 0;
    do {
        run();
        runs++;
        elapsed = now() - begin;
    } while (elapsed < duration);
    return (double)runs / elapsed;
}

static void *allocated(size_t bytes) {
    void *space = aligned_alloc(64, bytes);
    if (space == NULL) exit(71);
    memset(space, 0, bytes);
    return space;
}

/// Gaussian weights, a small change to all of them, and one to every hundredth.
static void fill(void) {
    float *exact = allocated(WINDOW * sizeof(float));
    base = allocated(WINDOW * 4), tuned = allocated(WINDOW * 4), some = allocated(WINDOW * 4);
    coded = allocated(WINDOW * 4), back = allocated(WINDOW * 4);
    wide = allocated(ROWS * COLUMNS * sizeof(float)), sum = allocated(ROWS * COLUMNS * sizeof(float));
    left = allocated(ROWS * RANK * sizeof(float)), right = allocated(RANK * COLUMNS * sizeof(float));
    for (size_t i = 0; i < WINDOW; i++) exact[i] = 0.02f * gaussian();
    tenon_bf16_from_f32(exact, WINDOW, base);
    for (size_t i = 0; i < WINDOW; i++) exact[i] += 2e-4f * gaussian();
    tenon_bf16_from_f32(exact, WINDOW, tuned);
    memcpy(some, base, WINDOW * 2);
    for (size_t i = 0; i < WINDOW / 100; i++) some[(size_t)(uniform() * WINDOW)] ^= 1;
    for (size_t i = 0; i < ROWS * RANK; i++) left[i] = 1e-3f * gaussian();
    for (size_t i = 0; i < RANK * COLUMNS; i++) right[i] = 1e-3f * gaussian();
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        wide[i] = 0.02f * gaussian();
        sum[i] = 2e-4f * gaussian();
    }
    free(exact);
    plane = allocated(WINDOW * 2), packed = allocated(WINDOW * 2), unpacked = allocated(WINDOW);
    exact_encode();
    tenon_split_bytes((const uint8_t *)coded, WINDOW, 2, plane);
    uint32_t histogram[256];
    tenon_histogram(plane, WINDOW, histogram);
    tenon_rans_normalize(histogram, frequencies);
}

int main(int count, char **words) {
    if (count != 2) {
        fprintf(stderr, "usage: delta best|avx512|avx2|neon|portable\n");
        return 64;
    }
    if (strcmp(words[1], "best") != 0) {
        for (int level = TENON_SIMD_PORTABLE; level <= TENON_SIMD_AVX512; level++) {
            if (strcmp(words[1], tenon_simd_name(level)) == 0) tenon_simd_limit(level);
        }
        if (strcmp(words[1], tenon_simd_name(tenon_simd_level())) != 0) return 69;
    }
    fill();
    const double block = 1e-9 * ROWS * COLUMNS, window = 1e-9 * WINDOW;
    printf("product %.4g\n", rate(product) * 2 * RANK * block);
    // Bytes of weights read and written, and of the sum.
    printf("round-sum-bf16 %.4g\n", rate(round_sum) * 8 * block);
    printf("round-sum-bf16-report %.4g\n", rate(round_sum_report) * 8 * block);
    printf("round-sum-f32 %.4g\n", rate(round_sum_f32) * 12 * block);
    printf("row-squares %.4g\n", rate(row_squares) * 4 * block);
    // Bytes of base and tuned.
    printf("difference %.4g\n", rate(difference) * 4 * window);
    printf("exact-encode %.4g\n", rate(exact_encode) * 4 * window);
    printf("exact-encode-split %.4g\n", rate(exact_encode_split) * 4 * window);
    printf("exact-decode %.4g\n", rate(exact_decode) * 4 * window);
    printf("count-changed %.4g\n", rate(count_changed) * 4 * window);
    printf("sparse-encode %.4g\n", rate(sparse_encode) * 4 * window);
    // Bytes before coding.
    printf("rans-encode %.4g\n", rate(rans_encode) * window);
    printf("rans-decode %.4g\n", rate(rans_decode) * window);
    return 0;
}
