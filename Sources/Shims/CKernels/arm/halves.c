// The 16-bit floats with NEON. The conversions of binary16 (FCVTL, FCVTN) are in every 64-bit ARM processor and, in the
// mode a process starts with, round to nearest and keep a NaN's payload; bfloat16 is integer arithmetic.
#include "../internal.h"

#if defined(__aarch64__)

#include <arm_neon.h>

size_t tenon_f32_from_f16_neon(const uint16_t *source, size_t count, float *target) {
    size_t done = 0;
    for (; count - done >= 4; done += 4) {
        vst1q_f32(target + done, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(source + done))));
    }
    return done;
}

size_t tenon_f16_from_f32_neon(const float *source, size_t count, uint16_t *target) {
    size_t done = 0;
    for (; count - done >= 4; done += 4) {
        vst1_u16(target + done, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(source + done))));
    }
    return done;
}

size_t tenon_f32_from_bf16_neon(const uint16_t *source, size_t count, float *target) {
    size_t done = 0;
    for (; count - done >= 4; done += 4) {
        vst1q_f32(target + done, vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(source + done), 16)));
    }
    return done;
}

size_t tenon_bf16_from_f32_neon(const float *source, size_t count, uint16_t *target) {
    size_t done = 0;
    for (; count - done >= 4; done += 4) {
        uint32x4_t bits = vreinterpretq_u32_f32(vld1q_f32(source + done));
        uint32x4_t top = vshrq_n_u32(bits, 16);
        uint32x4_t odd = vandq_u32(top, vdupq_n_u32(1));
        uint32x4_t rounded = vshrq_n_u32(vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd), 16);
        uint32x4_t is_nan =
            vcgtq_u32(vandq_u32(bits, vdupq_n_u32(0x7fffffff)), vdupq_n_u32(0x7f800000));
        uint32x4_t quiet = vorrq_u32(top, vdupq_n_u32(0x40));
        vst1_u16(target + done, vmovn_u32(vbslq_u32(is_nan, quiet, rounded)));
    }
    return done;
}

#endif
