// SHA-256 of one message (FIPS 180-4): the constants, the portable body and the incremental interface.
#include <string.h>

#include "../internal.h"

/// FIPS 180-4, 5.3.3.
const uint32_t tenon_sha256_initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/// FIPS 180-4, 4.2.2. Aligned for vector loads.
_Alignas(64) const uint32_t tenon_sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// MARK: The portable body

static inline uint32_t load_be32(const uint8_t *source) {
    return (uint32_t)source[0] << 24 | (uint32_t)source[1] << 16 | (uint32_t)source[2] << 8 | source[3];
}

static inline uint32_t rotated(uint32_t word, int by) {
    return word >> by | word << (32 - by);
}

/// Sixteen rounds; all but the first sixteen make their words as they go. The state's roles turn by one each round.
static inline void rounds(uint32_t v[8], uint32_t w[16], const uint32_t *constants, const bool first) {
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < 16; i++) {
        if (!first) {
            // The schedule needs no more than the last sixteen words: a ring of them.
            uint32_t far = w[(i + 1) & 15], near = w[(i + 14) & 15];
            w[i] += (rotated(far, 7) ^ rotated(far, 18) ^ far >> 3) + w[(i + 9) & 15]
                + (rotated(near, 17) ^ rotated(near, 19) ^ near >> 10);
        }
        uint32_t a = v[(0 - i) & 7], b = v[(1 - i) & 7], c = v[(2 - i) & 7], e = v[(4 - i) & 7], f = v[(5 - i) & 7];
        uint32_t g = v[(6 - i) & 7], h = v[(7 - i) & 7];
        h += constants[i] + w[i] + (g ^ (e & (f ^ g))) + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25));
        v[(3 - i) & 7] += h;
        v[(7 - i) & 7] = h + (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + (b ^ ((a ^ b) & (b ^ c)));
    }
}

static void compress(uint32_t state[8], const uint8_t *block) {
    uint32_t v[8], w[16];
    for (int i = 0; i < 16; i++) w[i] = load_be32(block + 4 * i);
    memcpy(v, state, sizeof v);
    rounds(v, w, tenon_sha256_constants, true);
    for (int round = 16; round < 64; round += 16) rounds(v, w, tenon_sha256_constants + round, false);
    for (int i = 0; i < 8; i++) state[i] += v[i];
}

void tenon_sha256_portable(uint32_t *const *states, const uint8_t *const *blocks, size_t count) {
    for (size_t i = 0; i < count; i++) compress(states[0], blocks[0] + 64 * i);
}

tenon_sha256_body *tenon_sha256_single(void) {
#if defined(__x86_64__)
    if ((tenon_features() & TENON_HAS_SHA) != 0) return tenon_sha256_ni;
#elif defined(__aarch64__)
    if ((tenon_features() & TENON_HAS_SHA) != 0) return tenon_sha256_armv8;
#endif
    return tenon_sha256_portable;
}

// MARK: The incremental interface

size_t tenon_sha256_pad(uint8_t tail[128], size_t used, uint64_t length) {
    size_t blocks = used < 56 ? 1 : 2;
    tail[used] = 0x80;
    memset(tail + used + 1, 0, 64 * blocks - used - 1);
    tenon_store_be32(tail + 64 * blocks - 8, (uint32_t)(length >> 29));
    tenon_store_be32(tail + 64 * blocks - 4, (uint32_t)(length << 3));
    return blocks;
}

void tenon_sha256_begin(tenon_sha256 *hash) {
    memcpy(hash->state, tenon_sha256_initial, sizeof hash->state);
    hash->length = 0;
}

static void absorb(tenon_sha256 *hash, const uint8_t *blocks, size_t count) {
    uint32_t *state = hash->state;
    tenon_sha256_single()(&state, &blocks, count);
}

void tenon_sha256_update(tenon_sha256 *hash, const void *bytes, size_t count) {
    // Nothing may come with a null pointer, which memcpy() and arithmetic must not see.
    if (count == 0) return;
    const uint8_t *source = bytes;
    size_t used = hash->length % 64;
    hash->length += count;
    if (used != 0) {
        size_t taken = count < 64 - used ? count : 64 - used;
        memcpy(hash->block + used, source, taken);
        if (used + taken < 64) return;
        absorb(hash, hash->block, 1);
        source += taken;
        count -= taken;
    }
    if (count >= 64) absorb(hash, source, count / 64);
    memcpy(hash->block, source + count / 64 * 64, count % 64);
}

void tenon_sha256_end(tenon_sha256 *hash, uint8_t digest[32]) {
    uint8_t tail[128];
    size_t used = hash->length % 64;
    memcpy(tail, hash->block, used);
    absorb(hash, tail, tenon_sha256_pad(tail, used, hash->length));
    for (int i = 0; i < 8; i++) tenon_store_be32(digest + 4 * i, hash->state[i]);
}
