// Elements that lie anywhere, as in a mapped file, and how wide those of each kind are.
#ifndef TENON_ELEMENTS_H
#define TENON_ELEMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "tenon_delta.h"

typedef uint8_t u8;
typedef uint16_t u16 __attribute__((aligned(1), may_alias));
typedef uint32_t u32 __attribute__((aligned(1), may_alias));
typedef uint64_t u64 __attribute__((aligned(1), may_alias));

static inline size_t tenon_width_of(int kind) {
    switch (kind) {
    case TENON_PLAIN8: return 1;
    case TENON_BF16:
    case TENON_F16:
    case TENON_PLAIN16: return 2;
    case TENON_F32:
    case TENON_PLAIN32: return 4;
    default: return 8;
    }
}

#endif
