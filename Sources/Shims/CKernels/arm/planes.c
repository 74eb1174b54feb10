// Planes with NEON, sixteen elements at a time: its loads and stores of interleaved bytes do the splitting.
#include "../internal.h"

#if defined(__aarch64__)

#include <arm_neon.h>

/// A byte of a rotated element: its own bits moved up or down by one, and one from its neighbour.
static inline uint8x16_t moved_up(uint8x16_t byte, uint8x16_t below) {
    return vsriq_n_u8(vshlq_n_u8(byte, 1), below, 7);
}

static inline uint8x16_t moved_down(uint8x16_t byte, uint8x16_t above) {
    return vsliq_n_u8(vshrq_n_u8(byte, 1), above, 7);
}

size_t tenon_split_exponent_neon(
    const uint8_t *source, size_t elements, size_t width, uint8_t *exponents, uint8_t *rest) {
    size_t done = 0;
    for (; width == 2 && elements - done >= 16; done += 16) {
        uint8x16x2_t bytes = vld2q_u8(source + 2 * done);
        vst1q_u8(rest + done, moved_up(bytes.val[0], bytes.val[1]));
        vst1q_u8(exponents + done, moved_up(bytes.val[1], bytes.val[0]));
    }
    for (; width == 4 && elements - done >= 16; done += 16) {
        uint8x16x4_t bytes = vld4q_u8(source + 4 * done);
        uint8x16x3_t low = {{
            moved_up(bytes.val[0], bytes.val[3]),
            moved_up(bytes.val[1], bytes.val[0]),
            moved_up(bytes.val[2], bytes.val[1]),
        }};
        vst3q_u8(rest + 3 * done, low);
        vst1q_u8(exponents + done, moved_up(bytes.val[3], bytes.val[2]));
    }
    return done;
}

size_t tenon_join_exponent_neon(
    const uint8_t *exponents, const uint8_t *rest, size_t elements, size_t width, uint8_t *target) {
    size_t done = 0;
    for (; width == 2 && elements - done >= 16; done += 16) {
        uint8x16_t low = vld1q_u8(rest + done), high = vld1q_u8(exponents + done);
        uint8x16x2_t bytes = {{moved_down(low, high), moved_down(high, low)}};
        vst2q_u8(target + 2 * done, bytes);
    }
    for (; width == 4 && elements - done >= 16; done += 16) {
        uint8x16x3_t low = vld3q_u8(rest + 3 * done);
        uint8x16_t high = vld1q_u8(exponents + done);
        uint8x16x4_t bytes = {{
            moved_down(low.val[0], low.val[1]),
            moved_down(low.val[1], low.val[2]),
            moved_down(low.val[2], high),
            moved_down(high, low.val[0]),
        }};
        vst4q_u8(target + 4 * done, bytes);
    }
    return done;
}

size_t tenon_split_bytes_neon(const uint8_t *source, size_t elements, size_t width, uint8_t *planes) {
    size_t done = 0;
    for (; width == 2 && elements - done >= 16; done += 16) {
        uint8x16x2_t bytes = vld2q_u8(source + 2 * done);
        for (size_t k = 0; k < 2; k++) vst1q_u8(planes + elements * k + done, bytes.val[k]);
    }
    for (; width == 4 && elements - done >= 16; done += 16) {
        uint8x16x4_t bytes = vld4q_u8(source + 4 * done);
        for (size_t k = 0; k < 4; k++) vst1q_u8(planes + elements * k + done, bytes.val[k]);
    }
    return done;
}

size_t tenon_join_bytes_neon(const uint8_t *planes, size_t elements, size_t width, uint8_t *target) {
    size_t done = 0;
    for (; width == 2 && elements - done >= 16; done += 16) {
        uint8x16x2_t bytes;
        for (size_t k = 0; k < 2; k++) bytes.val[k] = vld1q_u8(planes + elements * k + done);
        vst2q_u8(target + 2 * done, bytes);
    }
    for (; width == 4 && elements - done >= 16; done += 16) {
        uint8x16x4_t bytes;
        for (size_t k = 0; k < 4; k++) bytes.val[k] = vld1q_u8(planes + elements * k + done);
        vst4q_u8(target + 4 * done, bytes);
    }
    return done;
}

#endif
