// What an x86 processor has (Intel SDM volume 2, CPUID). Only sets that the operating system saves the registers of
// count; the compiler's run-time library checks that.
#include "../internal.h"

#if defined(__x86_64__)

#include <cpuid.h>

/// SHA needs only the SSE registers, which every x86-64 system saves. Asked here since run-time libraries were late to
/// know its name.
static bool has_sha(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

unsigned tenon_cpu_features(void) {
    // A level promises all before it, so what lacks AVX2 or what came with it counts as portable, SHA or no SHA.
    bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    if (!has_avx2) return TENON_SIMD_PORTABLE;
    unsigned features = has_sha() ? TENON_HAS_SHA : 0;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw")) return features | TENON_SIMD_AVX2;
    if (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2")) features |= TENON_HAS_VBMI2;
    return features | TENON_SIMD_AVX512;
}

#endif
