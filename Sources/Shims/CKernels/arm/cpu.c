// What a 64-bit ARM processor has: NEON always, the SHA-256 instructions nearly always.
#include "../internal.h"

#if defined(__aarch64__)

#if defined(__linux__)
#include <sys/auxv.h>

/// HWCAP_SHA2 of the Linux ABI for AArch64.
enum { HAS_SHA2 = 1 << 6 };
#endif

unsigned tenon_cpu_features(void) {
#if defined(__ARM_FEATURE_SHA2)
    return TENON_SIMD_NEON | TENON_HAS_SHA;
#elif defined(__linux__)
    return TENON_SIMD_NEON | ((getauxval(AT_HWCAP) & HAS_SHA2) != 0 ? TENON_HAS_SHA : 0u);
#else
    return TENON_SIMD_NEON;
#endif
}

#endif
