// The 16-bit floats, by their bits (IEEE 754-2019: binary16, binary32; bfloat16 is the upper half of a binary32). Bits
// rather than the machine's arithmetic, so that a NaN's payload does not depend on it.
#include <string.h>

#include "../internal.h"

// MARK: One value

static inline uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/// Sixteen bits to the right, to nearest, ties to even; a NaN would round to infinity, so it keeps its top bits.
static inline uint16_t bf16_from(uint32_t bits) {
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x0040);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// The bits of a binary16 as a binary32; a NaN becomes a quiet one.
static inline uint32_t widened(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0x1f) return sign | 0x7f800000 | fraction << 13 | (fraction != 0 ? 0x00400000u : 0);
    if (exponent != 0) return sign | (exponent + 112) << 23 | fraction << 13;
    if (fraction == 0) return sign;
    // Subnormal: its highest bit becomes the implicit one.
    uint32_t shift = (uint32_t)__builtin_clz(fraction) - 21;
    return sign | (113 - shift) << 23 | (fraction << shift & 0x3ff) << 13;
}

static inline uint16_t f16_from(uint32_t bits) {
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    // From 65520 on, half way to the next power of two, all is infinite.
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    uint32_t lost = 13;
    if (magnitude < 0x38800000) {
        // Subnormal below 2^-14: one more bit is lost for each power of two; all, if it is no more than 2^-25.
        uint32_t exponent = magnitude >> 23;
        if (exponent < 102) return (uint16_t)sign;
        lost = 126 - exponent;
        magnitude = (magnitude & 0x007fffff) | 0x00800000;
    } else {
        magnitude -= 112u << 23;
    }
    // A carry out of the fraction makes the next exponent, as it should.
    uint32_t rounded = (magnitude + (1u << (lost - 1)) - 1 + (magnitude >> lost & 1)) >> lost;
    return (uint16_t)(sign | rounded);
}

// MARK: Many

/// How many elements the vector body for this processor does of `function`.
#if defined(__x86_64__)
#define VECTORS(function, ...)                                                                                        \
    (tenon_simd_level() >= TENON_SIMD_AVX512 ? function##_avx512(__VA_ARGS__)                                         \
     : tenon_simd_level() >= TENON_SIMD_AVX2 ? function##_avx2(__VA_ARGS__)                                           \
                                             : 0)
#elif defined(__aarch64__)
#define VECTORS(function, ...) (tenon_simd_level() >= TENON_SIMD_NEON ? function##_neon(__VA_ARGS__) : 0)
#else
#define VECTORS(function, ...) 0
#endif

void tenon_f32_from_bf16(const uint16_t *source, size_t count, float *target) {
    for (size_t i = VECTORS(tenon_f32_from_bf16, source, count, target); i < count; i++) {
        uint32_t bits = (uint32_t)source[i] << 16;
        memcpy(target + i, &bits, sizeof bits);
    }
}

void tenon_f32_from_f16(const uint16_t *source, size_t count, float *target) {
    for (size_t i = VECTORS(tenon_f32_from_f16, source, count, target); i < count; i++) {
        uint32_t bits = widened(source[i]);
        memcpy(target + i, &bits, sizeof bits);
    }
}

void tenon_bf16_from_f32(const float *source, size_t count, uint16_t *target) {
    size_t done = VECTORS(tenon_bf16_from_f32, source, count, target);
    for (size_t i = done; i < count; i++) target[i] = bf16_from(bits_of(source[i]));
}

void tenon_f16_from_f32(const float *source, size_t count, uint16_t *target) {
    size_t done = VECTORS(tenon_f16_from_f32, source, count, target);
    for (size_t i = done; i < count; i++) target[i] = f16_from(bits_of(source[i]));
}
