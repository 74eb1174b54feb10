// Which instruction sets are in use: those the processor has, below the limit a test or the user sets.
#include <stdatomic.h>

#include "../internal.h"

/// Tells a known set of features, which may be empty, from one not yet asked for.
static const unsigned known = 1u << 31;

static atomic_uint features_in_use;

unsigned tenon_features(void) {
    unsigned features = atomic_load_explicit(&features_in_use, memory_order_relaxed);
    if (features != 0) return features;
    // Threads that come here together store the same value; a limit set meanwhile stands.
    unsigned found = tenon_cpu_features() | known;
    return atomic_compare_exchange_strong(&features_in_use, &features, found) ? found : features;
}

int tenon_simd_level(void) {
    return (int)(tenon_features() & TENON_LEVEL_MASK);
}

void tenon_simd_limit(int level) {
    unsigned features = tenon_cpu_features();
    unsigned has = features & TENON_LEVEL_MASK;
    bool plain = (level & TENON_SIMD_PLAIN) != 0;
    unsigned limit = (unsigned)level & TENON_LEVEL_MASK;
    unsigned lowest = has == TENON_SIMD_NEON ? TENON_SIMD_NEON : TENON_SIMD_AVX2;
    if (limit < lowest) {
        features = TENON_SIMD_PORTABLE;
    } else if (limit < has) {
        features = (features & TENON_HAS_SHA) | limit;
    }
    if (plain) features &= TENON_LEVEL_MASK;
    atomic_store(&features_in_use, features | known);
}

const char *tenon_simd_name(int level) {
    switch (level) {
    case TENON_SIMD_NEON: return "neon";
    case TENON_SIMD_AVX2: return "avx2";
    case TENON_SIMD_AVX512: return "avx512";
    default: return "portable";
    }
}

#if !defined(__x86_64__) && !defined(__aarch64__)
unsigned tenon_cpu_features(void) {
    return TENON_SIMD_PORTABLE;
}
#endif
