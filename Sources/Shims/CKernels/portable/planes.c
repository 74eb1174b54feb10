// Splitting elements into planes of bytes, which compress better than the bytes interleaved, and joining them again.
// The vector bodies do what they can of a buffer; what is left over falls to the loops here.
#include "../internal.h"

// MARK: Portable bodies, from element `first` on

#define INLINE static inline __attribute__((always_inline))

/// Byte k of the rotated element takes its lowest bit from the byte before it, the lowest byte from the sign.
INLINE void split_exponent(
    const uint8_t *restrict source, size_t first, size_t elements, const size_t width, uint8_t *restrict exponents,
    uint8_t *restrict rest) {
    for (size_t i = first; i < elements; i++) {
        const uint8_t *from = source + width * i;
        uint8_t *to = rest + (width - 1) * i;
        uint8_t below = from[width - 1];
        for (size_t k = 0; k < width - 1; k++) {
            to[k] = (uint8_t)(from[k] << 1 | below >> 7);
            below = from[k];
        }
        exponents[i] = (uint8_t)(from[width - 1] << 1 | below >> 7);
    }
}

INLINE void join_exponent(
    const uint8_t *restrict exponents, const uint8_t *restrict rest, size_t first, size_t elements,
    const size_t width, uint8_t *restrict target) {
    for (size_t i = first; i < elements; i++) {
        const uint8_t *from = rest + (width - 1) * i;
        uint8_t *to = target + width * i;
        uint8_t above = exponents[i];
        to[width - 1] = (uint8_t)(above >> 1 | from[0] << 7);
        for (size_t k = width - 1; k-- > 0;) {
            to[k] = (uint8_t)(from[k] >> 1 | above << 7);
            above = from[k];
        }
    }
}

INLINE void split_bytes(
    const uint8_t *restrict source, size_t first, size_t elements, const size_t width, uint8_t *restrict planes) {
    for (size_t i = first; i < elements; i++) {
        for (size_t k = 0; k < width; k++) planes[elements * k + i] = source[width * i + k];
    }
}

INLINE void join_bytes(
    const uint8_t *restrict planes, size_t first, size_t elements, const size_t width, uint8_t *restrict target) {
    for (size_t i = first; i < elements; i++) {
        for (size_t k = 0; k < width; k++) target[width * i + k] = planes[elements * k + i];
    }
}

// MARK: The vector bodies at hand

/// How many elements the vector body for this processor does of `function`.
#if defined(__x86_64__)
#define VECTORS(function, width, ...)                                                                                 \
    ((width) == 8                                 ? 0                                                                 \
     : tenon_simd_level() >= TENON_SIMD_AVX512 ? function##_avx512(__VA_ARGS__)                                       \
     : tenon_simd_level() >= TENON_SIMD_AVX2   ? function##_avx2(__VA_ARGS__)                                         \
                                               : 0)
#elif defined(__aarch64__)
#define VECTORS(function, width, ...)                                                                                 \
    ((width) != 8 && tenon_simd_level() >= TENON_SIMD_NEON ? function##_neon(__VA_ARGS__) : 0)
#else
#define VECTORS(function, width, ...) 0
#endif

void tenon_split_exponent(
    const uint8_t *source, size_t elements, size_t width, uint8_t *exponents, uint8_t *rest) {
    size_t done = VECTORS(tenon_split_exponent, width, source, elements, width, exponents, rest);
    switch (width) {
    case 2: split_exponent(source, done, elements, 2, exponents, rest); break;
    case 4: split_exponent(source, done, elements, 4, exponents, rest); break;
    default: split_exponent(source, done, elements, 8, exponents, rest);
    }
}

void tenon_join_exponent(
    const uint8_t *exponents, const uint8_t *rest, size_t elements, size_t width, uint8_t *target) {
    size_t done = VECTORS(tenon_join_exponent, width, exponents, rest, elements, width, target);
    switch (width) {
    case 2: join_exponent(exponents, rest, done, elements, 2, target); break;
    case 4: join_exponent(exponents, rest, done, elements, 4, target); break;
    default: join_exponent(exponents, rest, done, elements, 8, target);
    }
}

void tenon_split_bytes(const uint8_t *source, size_t elements, size_t width, uint8_t *planes) {
    size_t done = VECTORS(tenon_split_bytes, width, source, elements, width, planes);
    switch (width) {
    case 2: split_bytes(source, done, elements, 2, planes); break;
    case 4: split_bytes(source, done, elements, 4, planes); break;
    default: split_bytes(source, done, elements, 8, planes);
    }
}

void tenon_join_bytes(const uint8_t *planes, size_t elements, size_t width, uint8_t *target) {
    size_t done = VECTORS(tenon_join_bytes, width, planes, elements, width, target);
    switch (width) {
    case 2: join_bytes(planes, done, elements, 2, target); break;
    case 4: join_bytes(planes, done, elements, 4, target); break;
    default: join_bytes(planes, done, elements, 8, target);
    }
}
