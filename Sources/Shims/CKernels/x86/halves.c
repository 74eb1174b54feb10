// The 16-bit floats with F16C and AVX2, and with AVX-512. The conversions of binary16 are instructions (VCVTPH2PS,
// VCVTPS2PH), told to round to nearest whatever the thread's mode; those of bfloat16 are integer arithmetic, since
// VCVTNEPS2BF16 flushes subnormals.
#include "../internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,f16c")))
#define AVX512 __attribute__((target("avx512f,avx512bw")))

enum { NEAREST = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };

// MARK: AVX2

AVX2 size_t tenon_f32_from_f16_avx2(const uint16_t *source, size_t count, float *target) {
    size_t done = 0;
    for (; count - done >= 8; done += 8) {
        __m128i halves = _mm_loadu_si128((const __m128i *)(const void *)(source + done));
        _mm256_storeu_ps(target + done, _mm256_cvtph_ps(halves));
    }
    return done;
}

AVX2 size_t tenon_f16_from_f32_avx2(const float *source, size_t count, uint16_t *target) {
    size_t done = 0;
    for (; count - done >= 8; done += 8) {
        __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(source + done), _MM_FROUND_TO_NEAREST_INT);
        _mm_storeu_si128((__m128i *)(void *)(target + done), halves);
    }
    return done;
}

AVX2 size_t tenon_f32_from_bf16_avx2(const uint16_t *source, size_t count, float *target) {
    size_t done = 0;
    for (; count - done >= 8; done += 8) {
        __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)(source + done)));
        _mm256_storeu_si256((__m256i *)(void *)(target + done), _mm256_slli_epi32(bits, 16));
    }
    return done;
}

static inline __attribute__((always_inline)) AVX2 __m256i bf16_from_avx2(const float *source) {
    __m256i bits = _mm256_loadu_si256((const __m256i *)(const void *)source);
    __m256i top = _mm256_srli_epi32(bits, 16);
    __m256i odd = _mm256_and_si256(top, _mm256_set1_epi32(1));
    __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
    __m256i is_nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7f800000));
    __m256i quiet = _mm256_or_si256(top, _mm256_set1_epi32(0x40));
    return _mm256_blendv_epi8(_mm256_srli_epi32(rounded, 16), quiet, is_nan);
}

AVX2 size_t tenon_bf16_from_f32_avx2(const float *source, size_t count, uint16_t *target) {
    size_t done = 0;
    for (; count - done >= 16; done += 16) {
        __m256i packed = _mm256_packus_epi32(bf16_from_avx2(source + done), bf16_from_avx2(source + done + 8));
        _mm256_storeu_si256((__m256i *)(void *)(target + done), _mm256_permute4x64_epi64(packed, 0xd8));
    }
    return done;
}

// MARK: AVX-512

AVX512 size_t tenon_f32_from_f16_avx512(const uint16_t *source, size_t count, float *target) {
    size_t done = 0;
    for (; count - done >= 16; done += 16) {
        __m256i halves = _mm256_loadu_si256((const __m256i *)(const void *)(source + done));
        _mm512_storeu_ps(target + done, _mm512_cvtph_ps(halves));
    }
    return done;
}

AVX512 size_t tenon_f16_from_f32_avx512(const float *source, size_t count, uint16_t *target) {
    size_t done = 0;
    for (; count - done >= 16; done += 16) {
        __m256i halves = _mm512_cvtps_ph(_mm512_loadu_ps(source + done), NEAREST);
        _mm256_storeu_si256((__m256i *)(void *)(target + done), halves);
    }
    return done;
}

AVX512 size_t tenon_f32_from_bf16_avx512(const uint16_t *source, size_t count, float *target) {
    size_t done = 0;
    for (; count - done >= 16; done += 16) {
        __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)(source + done)));
        _mm512_storeu_si512(target + done, _mm512_slli_epi32(bits, 16));
    }
    return done;
}

AVX512 size_t tenon_bf16_from_f32_avx512(const float *source, size_t count, uint16_t *target) {
    size_t done = 0;
    for (; count - done >= 16; done += 16) {
        __m512i bits = _mm512_loadu_si512(source + done);
        __m512i top = _mm512_srli_epi32(bits, 16);
        __m512i odd = _mm512_and_si512(top, _mm512_set1_epi32(1));
        __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
        __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
        __mmask16 is_nan = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7f800000));
        __m512i quiet = _mm512_or_si512(top, _mm512_set1_epi32(0x40));
        __m512i halves = _mm512_mask_mov_epi32(_mm512_srli_epi32(rounded, 16), is_nan, quiet);
        _mm256_storeu_si256((__m256i *)(void *)(target + done), _mm512_cvtepi32_epi16(halves));
    }
    return done;
}

#endif
