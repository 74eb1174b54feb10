// SHA-256 with the ARMv8 Cryptographic Extension (Arm ARM, SHA256H): an instruction does four rounds of one half of the
// state.
#include "../internal.h"

#if defined(__aarch64__)

#include <arm_neon.h>

__attribute__((target("sha2")))
void tenon_sha256_armv8(uint32_t *const *states, const uint8_t *const *blocks, size_t count) {
    uint32x4_t abcd = vld1q_u32(states[0]), efgh = vld1q_u32(states[0] + 4);
    for (size_t block = 0; block < count; block++) {
        const uint8_t *source = blocks[0] + 64 * block;
        uint32x4_t abcd_before = abcd, efgh_before = efgh, w[4];
#pragma clang loop unroll(full)
        for (int four = 0; four < 16; four++) {
            if (four < 4) {
                w[four] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(source + 16 * four)));
            } else {
                // Four words of the schedule, in a ring of four vectors.
                uint32x4_t sum = vsha256su0q_u32(w[four & 3], w[(four + 1) & 3]);
                w[four & 3] = vsha256su1q_u32(sum, w[(four + 2) & 3], w[(four + 3) & 3]);
            }
            uint32x4_t sums = vaddq_u32(w[four & 3], vld1q_u32(tenon_sha256_constants + 4 * four));
            uint32x4_t abcd_now = abcd;
            abcd = vsha256hq_u32(abcd, efgh, sums);
            efgh = vsha256h2q_u32(efgh, abcd_now, sums);
        }
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }
    vst1q_u32(states[0], abcd);
    vst1q_u32(states[0] + 4, efgh);
}

#endif
