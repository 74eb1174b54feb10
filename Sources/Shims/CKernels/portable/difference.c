// Differences of elements as small numbers: floats are mapped to integers in their order, so that neighbours differ by
// one; the difference wraps around and is zig-zag coded, so that small ones of either sign have zeros on top.
#include "../internal.h"
#include "elements.h"

/// The loops for elements of `width` bits. An arithmetic shift spreads the top bit. The float's order: below zero all
/// bits turn, else the top one.
#define DIFFERENCES(type, width)                                                                                      \
    TENON_INLINE void difference_##type(                                                                              \
        const bool is_float, const type *base, const type *tuned, size_t count, type *differences) {                  \
        const uint##width##_t top = (uint##width##_t)1 << (width - 1);                                                \
        for (size_t i = 0; i < count; i++) {                                                                          \
            uint##width##_t from = base[i], to = tuned[i];                                                            \
            if (is_float) {                                                                                           \
                from ^= (uint##width##_t)((int##width##_t)from >> (width - 1)) | top;                                 \
                to ^= (uint##width##_t)((int##width##_t)to >> (width - 1)) | top;                                     \
            }                                                                                                         \
            uint##width##_t change = (uint##width##_t)(to - from);                                                    \
            uint##width##_t sign = (uint##width##_t)((int##width##_t)change >> (width - 1));                          \
            differences[i] = (uint##width##_t)((uint##width##_t)(change << 1) ^ sign);                                \
        }                                                                                                             \
    }                                                                                                                 \
    TENON_INLINE void add_##type(                                                                                     \
        const bool is_float, const type *base, const type *differences, size_t count, type *tuned) {                  \
        const uint##width##_t top = (uint##width##_t)1 << (width - 1);                                                \
        for (size_t i = 0; i < count; i++) {                                                                          \
            uint##width##_t from = base[i], coded = differences[i];                                                   \
            uint##width##_t sign = (uint##width##_t)(0 - (uint##width##_t)(coded & 1));                               \
            if (is_float) from ^= (uint##width##_t)((int##width##_t)from >> (width - 1)) | top;                       \
            uint##width##_t to = (uint##width##_t)(from + (uint##width##_t)((uint##width##_t)(coded >> 1) ^ sign));   \
            if (is_float) to ^= (uint##width##_t)((int##width##_t)~to >> (width - 1)) | top;                          \
            tuned[i] = to;                                                                                            \
        }                                                                                                             \
    }

DIFFERENCES(u8, 8)
DIFFERENCES(u16, 16)
DIFFERENCES(u32, 32)
DIFFERENCES(u64, 64)

TENON_INLINE void tenon_difference_body(
    int kind, const void *base, const void *tuned, size_t count, void *differences) {
    switch (kind) {
    case TENON_BF16:
    case TENON_F16: difference_u16(true, base, tuned, count, differences); break;
    case TENON_F32: difference_u32(true, base, tuned, count, differences); break;
    case TENON_F64: difference_u64(true, base, tuned, count, differences); break;
    case TENON_PLAIN8: difference_u8(false, base, tuned, count, differences); break;
    case TENON_PLAIN16: difference_u16(false, base, tuned, count, differences); break;
    case TENON_PLAIN32: difference_u32(false, base, tuned, count, differences); break;
    default: difference_u64(false, base, tuned, count, differences);
    }
}

TENON_INLINE void tenon_add_difference_body(
    int kind, const void *base, const void *differences, size_t count, void *tuned) {
    switch (kind) {
    case TENON_BF16:
    case TENON_F16: add_u16(true, base, differences, count, tuned); break;
    case TENON_F32: add_u32(true, base, differences, count, tuned); break;
    case TENON_F64: add_u64(true, base, differences, count, tuned); break;
    case TENON_PLAIN8: add_u8(false, base, differences, count, tuned); break;
    case TENON_PLAIN16: add_u16(false, base, differences, count, tuned); break;
    case TENON_PLAIN32: add_u32(false, base, differences, count, tuned); break;
    default: add_u64(false, base, differences, count, tuned);
    }
}

TENON_INLINE void tenon_exponents_body(
    int kind, const void *values, size_t count, uint8_t *restrict exponents) {
    const u16 *halves = values;
    const u32 *singles = values;
    switch (kind) {
    case TENON_BF16:
        for (size_t i = 0; i < count; i++) exponents[i] = (uint8_t)(halves[i] >> 7);
        break;
    case TENON_F16:
        for (size_t i = 0; i < count; i++) exponents[i] = halves[i] >> 10 & 0x1f;
        break;
    default:
        for (size_t i = 0; i < count; i++) exponents[i] = (uint8_t)(singles[i] >> 23);
    }
}

TENON_COMPILED_BODIES(
    void, tenon_difference, (int kind, const void *base, const void *tuned, size_t count, void *differences),
    (kind, base, tuned, count, differences))
TENON_COMPILED_BODIES(
    void, tenon_add_difference, (int kind, const void *base, const void *differences, size_t count, void *tuned),
    (kind, base, differences, count, tuned))
TENON_COMPILED_BODIES(
    void, tenon_exponents, (int kind, const void *values, size_t count, uint8_t *exponents),
    (kind, values, count, exponents))
