// What the kernels' files share among themselves: what the processor has, and the bodies each architecture offers.
//
// A body does whole vectors only. Those for planes and floats return how many elements they have done; the portable
// body, which every build has, does the rest.
#ifndef TENON_INTERNAL_H
#define TENON_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tenon_kernels.h"

#pragma GCC visibility push(hidden)

// MARK: Features

/// A set of features is a level and, beside it, what not all processors of a level have.
enum {
    TENON_LEVEL_MASK = 0xff,
    TENON_HAS_SHA = 0x200,
    /// Of x86: what compresses and expands vectors of two bytes.
    TENON_HAS_VBMI2 = 0x400,
};

/// What the processor has.
unsigned tenon_cpu_features(void);

/// The features in use, below the limit set.
unsigned tenon_features(void);

// MARK: Loops compiled for each instruction set

#define TENON_INLINE static inline __attribute__((always_inline))

/// Defines `result name(parameters)`, whose work `name_body` is an inline function written once, in the compiler's own
/// vectors or so plainly that it finds them: it is compiled for each instruction set, and the one in use is called. A
/// 64-bit ARM build has NEON throughout.
#if defined(__x86_64__)
#define TENON_COMPILED_BODIES(result, name, parameters, arguments)                                                    \
    static result name##_portable parameters {                                                                        \
        return name##_body arguments;                                                                                 \
    }                                                                                                                 \
    __attribute__((target("avx2,fma,f16c"))) static result name##_avx2 parameters {                                   \
        return name##_body arguments;                                                                                 \
    }                                                                                                                 \
    __attribute__((target("avx512f,avx512bw"))) static result name##_avx512 parameters {                              \
        return name##_body arguments;                                                                                 \
    }                                                                                                                 \
    result name parameters {                                                                                          \
        int level = tenon_simd_level();                                                                               \
        return level >= TENON_SIMD_AVX512 ? name##_avx512 arguments                                                   \
            : level >= TENON_SIMD_AVX2    ? name##_avx2 arguments                                                     \
                                          : name##_portable arguments;                                                \
    }
#else
#define TENON_COMPILED_BODIES(result, name, parameters, arguments)                                                    \
    result name parameters {                                                                                          \
        return name##_body arguments;                                                                                 \
    }
#endif

/// The exponent of each float: `kind` is TENON_BF16, TENON_F16 or TENON_F32.
void tenon_exponents(int kind, const void *values, size_t count, uint8_t *exponents);

// MARK: SHA-256

extern const uint32_t tenon_sha256_initial[8];
extern const uint32_t tenon_sha256_constants[64];

/// Compresses `count` blocks from each of `blocks` into each of `states`. How many there are is the body's own number
/// of lanes. States may be the same one where the caller wants none of the results.
typedef void tenon_sha256_body(uint32_t *const *states, const uint8_t *const *blocks, size_t count);

/// The fastest body for one message.
tenon_sha256_body *tenon_sha256_single(void);

tenon_sha256_body tenon_sha256_portable;

/// Pads `used` bytes at the start of `tail`, the last of a message of `length` bytes. Returns its blocks, one or two.
size_t tenon_sha256_pad(uint8_t tail[128], size_t used, uint64_t length);

static inline void tenon_store_be32(uint8_t *target, uint32_t value) {
    target[0] = (uint8_t)(value >> 24);
    target[1] = (uint8_t)(value >> 16);
    target[2] = (uint8_t)(value >> 8);
    target[3] = (uint8_t)value;
}

// MARK: Architectures

/// What the vector bodies of planes and floats look like; `width` is 2 or 4.
#define TENON_VECTOR_BODIES(set)                                                                                      \
    size_t tenon_split_exponent_##set(                                                                                \
        const uint8_t *source, size_t elements, size_t width, uint8_t *exponents, uint8_t *rest);                     \
    size_t tenon_join_exponent_##set(                                                                                 \
        const uint8_t *exponents, const uint8_t *rest, size_t elements, size_t width, uint8_t *target);               \
    size_t tenon_split_bytes_##set(const uint8_t *source, size_t elements, size_t width, uint8_t *planes);            \
    size_t tenon_join_bytes_##set(const uint8_t *planes, size_t elements, size_t width, uint8_t *target);             \
    size_t tenon_f32_from_f16_##set(const uint16_t *source, size_t count, float *target);                             \
    size_t tenon_f16_from_f32_##set(const float *source, size_t count, uint16_t *target);                             \
    size_t tenon_f32_from_bf16_##set(const uint16_t *source, size_t count, float *target);                            \
    size_t tenon_bf16_from_f32_##set(const float *source, size_t count, uint16_t *target)

#if defined(__x86_64__)

TENON_VECTOR_BODIES(avx2);
TENON_VECTOR_BODIES(avx512);
tenon_sha256_body tenon_sha256_ni;
tenon_sha256_body tenon_sha256_ni2;
tenon_sha256_body tenon_sha256_ni4;
tenon_sha256_body tenon_sha256_avx2;
tenon_sha256_body tenon_sha256_avx512;

/// A window of floats of two bytes; `counts` says how many elements each bucket has, `starts` where it begins, which is
/// moved.
void tenon_exact_encode_vbmi2(
    int kind, const void *base, const void *tuned, size_t count, void *ordered, const uint32_t counts[256],
    uint32_t starts[256]);
void tenon_exact_decode_vbmi2(
    int kind, const void *base, const void *ordered, size_t count, void *tuned, const uint32_t counts[256],
    uint32_t starts[256]);

#elif defined(__aarch64__)

TENON_VECTOR_BODIES(neon);
tenon_sha256_body tenon_sha256_armv8;

#endif

#pragma GCC visibility pop

#endif
