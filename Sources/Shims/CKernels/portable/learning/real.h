// What the functions below are compiled for: REAL, float or double, in vectors of VECTOR_BYTES. Loops that are written
// plainly are such as the compiler turns into vectors itself; what an element comes to never depends on that.
#include <math.h>
#include <string.h>

#include "../../internal.h"
#include "tenon_learning.h"

#pragma STDC FP_CONTRACT OFF

enum { LANES = VECTOR_BYTES / sizeof(REAL) };

typedef REAL vector __attribute__((ext_vector_type(VECTOR_BYTES / sizeof(REAL))));
typedef REAL loose_vector __attribute__((ext_vector_type(VECTOR_BYTES / sizeof(REAL)), aligned(4), may_alias));

#define UNROLLED _Pragma("clang loop unroll(full)")

// Macros, since functions that take or give vectors have another ABI on each instruction set.
#define load(from) (*(const loose_vector *)(const void *)(from))
#define store(value, to) (*(loose_vector *)(void *)(to) = (value))

/// The elements of one row.
#define ROW(matrix, row) ((REAL *)(matrix).start + (row) * (matrix).stride)
#define EACH_ROW(rows, t) for (size_t t = (rows).from; t < (rows).to; t++)

/// `a b + c`, rounded once.
TENON_INLINE REAL fused(REAL a, REAL b, REAL c) {
    return __builtin_elementwise_fma(a, b, c);
}

TENON_INLINE REAL root(REAL value) {
    return __builtin_elementwise_sqrt(value);
}

TENON_INLINE REAL larger(REAL a, REAL b) {
    return a > b ? a : b;
}

/// Sums along a row are sixteen chains, whatever the vectors, that are added in one order.
enum { CHAINS = 16 };

TENON_INLINE REAL chains_sum(const REAL chains[CHAINS]) {
    REAL sums[CHAINS / 2];
    for (size_t i = 0; i < 8; i++) sums[i] = chains[i] + chains[i + 8];
    for (size_t i = 0; i < 4; i++) sums[i] += sums[i + 4];
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

/// Sums the values of `term`, an expression in `j`, for j below `count`, each added to its chain `sum`.
#define SUM_ALONG(result, count, j, sum, term)                                                                        \
    do {                                                                                                              \
        REAL chains[CHAINS] = {0};                                                                                    \
        size_t whole = (count) / CHAINS * CHAINS;                                                                     \
        for (size_t part = 0; part < whole; part += CHAINS) {                                                         \
            for (size_t lane = 0; lane < CHAINS; lane++) {                                                            \
                const size_t j = part + lane;                                                                         \
                const REAL sum = chains[lane];                                                                        \
                chains[lane] = (term);                                                                                \
            }                                                                                                         \
        }                                                                                                             \
        for (size_t j = whole; j < (count); j++) {                                                                    \
            const REAL sum = chains[j - whole];                                                                       \
            chains[j - whole] = (term);                                                                               \
        }                                                                                                             \
        result = chains_sum(chains);                                                                                  \
    } while (0)

// MARK: Exponentials

#if IS_DOUBLE

TENON_INLINE double exponential(double x) {
    return exp(x);
}

#else

TENON_INLINE float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

TENON_INLINE uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/// e^x within about one unit in the last place: 2^n e^r with |r| ≤ ½ log 2, and e^r as 1 + r + r² q(r) with the q of
/// degree 4 that has the least relative error. Two factors make 2^n, so that subnormals and infinity come out right.
TENON_INLINE float exponential(float x) {
    const float round = 0x1.8p23f;
    float limited = x < -105.0f ? -105.0f : x;
    limited = limited > 89.0f ? 89.0f : limited;
    const float shifted = fused(limited, 0x1.715476p0f, round);
    const float n = shifted - round;
    const float r = fused(n, 0x1.05c61p-29f, fused(n, -0x1.62e43p-1f, limited));
    float q = fused(r, 0x1.6a234ep-10f, 0x1.123a6cp-7f);
    q = fused(r, q, 0x1.5558f4p-5f);
    q = fused(r, q, 0x1.555490p-3f);
    q = fused(r, q, 0x1.fffffcp-2f);
    const float value = fused(r * r, q, r) + 1.0f;
    const int32_t power = (int32_t)(bits_of(shifted) - bits_of(round));
    const int32_t half = power >> 1;
    return value * float_of((uint32_t)(half + 127) << 23) * float_of((uint32_t)(power - half + 127) << 23);
}

#endif

/// σ(x).
TENON_INLINE REAL sigmoid(REAL x) {
    return 1 / (1 + exponential(-x));
}
