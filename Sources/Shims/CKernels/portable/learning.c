// Which table serves: that of the instruction set in use.
#include "../internal.h"
#include "learning/tables.h"

#if defined(__x86_64__)
#define TABLE_IN_USE(real)                                                                                            \
    (tenon_simd_level() >= TENON_SIMD_AVX512 ? &tenon_learning_avx512_##real                                          \
     : tenon_simd_level() >= TENON_SIMD_AVX2 ? &tenon_learning_avx2_##real                                            \
                                             : &tenon_learning_portable_##real)
#else
#define TABLE_IN_USE(real) &tenon_learning_portable_##real
#endif

const tenon_learning *tenon_learning_f32(void) {
    return TABLE_IN_USE(f32);
}

const tenon_learning *tenon_learning_f64(void) {
    return TABLE_IN_USE(f64);
}
