// The hot loops: arithmetic on buffers whose lengths the caller has checked. No parsing, no allocation, no I/O.
//
// Every function picks its body (portable, AVX2, AVX-512, SHA-NI, NEON) at run time; every body gives the same bytes.
#ifndef TENON_KERNELS_H
#define TENON_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// MARK: Instruction sets

/// The bodies a build may hold. Levels are ordered: a processor that has one has those before it on its architecture.
enum {
    TENON_SIMD_PORTABLE = 0,
    TENON_SIMD_NEON = 1,
    TENON_SIMD_AVX2 = 2,
    TENON_SIMD_AVX512 = 3,
    /// May be added to a limit: leaves out the SHA instructions, so that tests reach the bodies of processors of that
    /// level that lack them.
    TENON_SIMD_PLAIN = 0x100,
};

/// The level in use: what the processor has, lowered by tenon_simd_limit().
int tenon_simd_level(void);

/// Lowers the level in use, so that tests and TENON_SIMD can compare bodies. SHA instructions count as part of NEON and
/// AVX2. A limit above what the processor has is the processor's level.
void tenon_simd_limit(int level);

/// A name for a level: "portable", "neon", "avx2", "avx512".
const char *tenon_simd_name(int level);

// MARK: SHA-256 (FIPS 180-4)

typedef struct {
    uint32_t state[8];
    uint64_t length;
    uint8_t block[64];
} tenon_sha256;

void tenon_sha256_begin(tenon_sha256 *hash);
void tenon_sha256_update(tenon_sha256 *hash, const void *bytes, size_t count);
void tenon_sha256_end(tenon_sha256 *hash, uint8_t digest[32]);

/// One message of a batch. `prefix` is one byte hashed before the bytes (a domain separator), or -1 for none.
typedef struct {
    const uint8_t *bytes;
    size_t count;
} tenon_message;

/// Hashes `count` messages of any lengths side by side in the lanes of the processor: `digests[i]` is
/// SHA-256(prefix || messages[i]). Messages of like lengths keep the lanes full, so long ones should come first.
void tenon_sha256_many(const tenon_message *messages, size_t count, int prefix, uint8_t (*digests)[32]);

/// How many messages of equal length tenon_sha256_many() likes to be given at once: 16, 8, 4 for SHA-NI, or 1.
size_t tenon_sha256_lanes(void);

// MARK: Planes

/// Rotates the sign of each little-endian float to its lowest bit, then puts the top byte (the exponent, for bf16 and
/// fp32) in `exponents` and the other width-1 bytes, as they lie, in `rest`. `width` is 2, 4 or 8.
void tenon_split_exponent(const uint8_t *source, size_t elements, size_t width, uint8_t *exponents, uint8_t *rest);
void tenon_join_exponent(const uint8_t *exponents, const uint8_t *rest, size_t elements, size_t width, uint8_t *target);

/// Byte k of each element goes to plane k; planes lie one after the other, `elements` bytes each. `width` is 2, 4 or 8.
void tenon_split_bytes(const uint8_t *source, size_t elements, size_t width, uint8_t *planes);
void tenon_join_bytes(const uint8_t *planes, size_t elements, size_t width, uint8_t *target);

/// Counts how often each byte value occurs. `counts` is overwritten.
void tenon_histogram(const uint8_t *bytes, size_t count, uint32_t counts[256]);

/// Whether every byte is zero.
int tenon_is_zero(const uint8_t *bytes, size_t count);

// MARK: 16-bit floats

/// Widening is exact; narrowing rounds to nearest, ties to even, and keeps infinities. A NaN keeps its sign and the top
/// bits of its payload and becomes a quiet NaN, widening f16 too, as the processors' own conversions have it; widening
/// bf16 is a shift and keeps every bit.
void tenon_f32_from_bf16(const uint16_t *source, size_t count, float *target);
void tenon_f32_from_f16(const uint16_t *source, size_t count, float *target);
void tenon_bf16_from_f32(const float *source, size_t count, uint16_t *target);
void tenon_f16_from_f32(const float *source, size_t count, uint16_t *target);

#endif
