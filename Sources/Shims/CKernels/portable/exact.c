// The order of the kind `exact`: a counting sort of a window's differences by the exponent of the base's elements.
//
// A bucket's cursor is read, used and moved for each element, and neighbours mostly have the same one. So the window is
// cut into four parts, each with cursors of its own that start where the part before will end, and the parts are
// walked side by side.
#include <string.h>

#include "../internal.h"
#include "elements.h"

enum { BLOCK = 512, PARTS = 4, BUCKETS = 256 };

/// Where each part's next element of each bucket goes.
typedef struct {
    uint32_t at[PARTS][BUCKETS];
} cursors;

static bool is_ordered(int kind) {
    return kind == TENON_BF16 || kind == TENON_F16 || kind == TENON_F32;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/// Counts the base's exponents and sets the cursors to where each part's share of each bucket begins.
static void begin(int kind, const uint8_t *base, size_t count, cursors *to, uint32_t counts[BUCKETS]) {
    uint8_t exponents[PARTS][BLOCK];
    const size_t width = tenon_width_of(kind), part = count / PARTS;
    memset(to, 0, sizeof *to);
    for (size_t at = 0; at < part; at += BLOCK) {
        size_t length = smaller(part - at, BLOCK);
        for (size_t p = 0; p < PARTS; p++) {
            tenon_exponents(kind, base + width * (part * p + at), length, exponents[p]);
        }
        for (size_t i = 0; i < length; i++) {
            for (size_t p = 0; p < PARTS; p++) to->at[p][exponents[p][i]]++;
        }
    }
    size_t left = count - PARTS * part;
    tenon_exponents(kind, base + width * PARTS * part, left, exponents[0]);
    for (size_t i = 0; i < left; i++) to->at[PARTS - 1][exponents[0][i]]++;

    uint32_t next = 0;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        uint32_t first = next;
        for (size_t p = 0; p < PARTS; p++) {
            uint32_t share = to->at[p][bucket];
            to->at[p][bucket] = next;
            next += share;
        }
        counts[bucket] = next - first;
    }
}

/// Both ways between a window in its own order and the same in buckets. `staged` holds a block of each part.
#define MOVES(type)                                                                                                   \
    TENON_INLINE void scatter_##type(                                                                                 \
        cursors *to, size_t parts, const uint8_t exponents[PARTS][BLOCK], const type staged[PARTS][BLOCK],            \
        size_t length, type *ordered) {                                                                               \
        for (size_t i = 0; i < length; i++) {                                                                         \
            for (size_t p = PARTS - parts; p < PARTS; p++) ordered[to->at[p][exponents[p][i]]++] = staged[p][i];      \
        }                                                                                                             \
    }                                                                                                                 \
    TENON_INLINE void gather_##type(                                                                                  \
        cursors *from, size_t parts, const uint8_t exponents[PARTS][BLOCK], type staged[PARTS][BLOCK], size_t length, \
        const type *ordered) {                                                                                        \
        for (size_t i = 0; i < length; i++) {                                                                         \
            for (size_t p = PARTS - parts; p < PARTS; p++) staged[p][i] = ordered[from->at[p][exponents[p][i]]++];    \
        }                                                                                                             \
    }                                                                                                                 \
    static void encode_##type(                                                                                        \
        int kind, const type *base, const type *tuned, size_t count, type *ordered, uint32_t counts[BUCKETS]) {       \
        cursors to;                                                                                                   \
        uint8_t exponents[PARTS][BLOCK];                                                                              \
        type staged[PARTS][BLOCK];                                                                                    \
        begin(kind, (const uint8_t *)base, count, &to, counts);                                                       \
        const size_t part = count / PARTS;                                                                            \
        for (size_t at = 0; at < part; at += BLOCK) {                                                                 \
            size_t length = smaller(part - at, BLOCK);                                                                \
            for (size_t p = 0; p < PARTS; p++) {                                                                      \
                size_t from = part * p + at;                                                                          \
                tenon_exponents(kind, base + from, length, exponents[p]);                                             \
                tenon_difference(kind, base + from, tuned + from, length, staged[p]);                                 \
            }                                                                                                         \
            scatter_##type(&to, PARTS, exponents, staged, length, ordered);                                           \
        }                                                                                                             \
        size_t from = PARTS * part, left = count - from;                                                              \
        tenon_exponents(kind, base + from, left, exponents[PARTS - 1]);                                               \
        tenon_difference(kind, base + from, tuned + from, left, staged[PARTS - 1]);                                   \
        scatter_##type(&to, 1, exponents, staged, left, ordered);                                                     \
    }                                                                                                                 \
    static void decode_##type(int kind, const type *base, const type *ordered, size_t count, type *tuned) {           \
        cursors from;                                                                                                 \
        uint32_t counts[BUCKETS];                                                                                     \
        uint8_t exponents[PARTS][BLOCK];                                                                              \
        type staged[PARTS][BLOCK];                                                                                    \
        begin(kind, (const uint8_t *)base, count, &from, counts);                                                     \
        const size_t part = count / PARTS;                                                                            \
        for (size_t at = 0; at < part; at += BLOCK) {                                                                 \
            size_t length = smaller(part - at, BLOCK);                                                                \
            for (size_t p = 0; p < PARTS; p++) tenon_exponents(kind, base + part * p + at, length, exponents[p]);     \
            gather_##type(&from, PARTS, exponents, staged, length, ordered);                                          \
            for (size_t p = 0; p < PARTS; p++) {                                                                      \
                size_t to = part * p + at;                                                                            \
                tenon_add_difference(kind, base + to, staged[p], length, tuned + to);                                 \
            }                                                                                                         \
        }                                                                                                             \
        size_t to = PARTS * part, left = count - to;                                                                  \
        tenon_exponents(kind, base + to, left, exponents[PARTS - 1]);                                                 \
        gather_##type(&from, 1, exponents, staged, left, ordered);                                                    \
        tenon_add_difference(kind, base + to, staged[PARTS - 1], left, tuned + to);                                   \
    }

MOVES(u16)
MOVES(u32)

#if defined(__x86_64__)
/// The same by vectors, in one part. Returns whether the processor can.
static bool encode_vectors(
    int kind, const u16 *base, const u16 *tuned, size_t count, u16 *ordered, uint32_t counts[BUCKETS]) {
    if ((tenon_features() & TENON_HAS_VBMI2) == 0) return false;
    cursors to;
    begin(kind, (const uint8_t *)base, count, &to, counts);
    tenon_exact_encode_vbmi2(kind, base, tuned, count, ordered, counts, to.at[0]);
    return true;
}

static bool decode_vectors(
    int kind, const u16 *base, const u16 *ordered, size_t count, u16 *tuned, const uint32_t known[BUCKETS]) {
    if ((tenon_features() & TENON_HAS_VBMI2) == 0) return false;
    cursors from;
    uint32_t counts[BUCKETS];
    if (known == NULL) {
        begin(kind, (const uint8_t *)base, count, &from, counts);
        known = counts;
    } else {
        uint32_t next = 0;
        for (size_t bucket = 0; bucket < BUCKETS; next += known[bucket++]) from.at[0][bucket] = next;
    }
    tenon_exact_decode_vbmi2(kind, base, ordered, count, tuned, known, from.at[0]);
    return true;
}
#else
static bool encode_vectors(
    int kind, const u16 *base, const u16 *tuned, size_t count, u16 *ordered, uint32_t counts[BUCKETS]) {
    return false;
}

static bool decode_vectors(
    int kind, const u16 *base, const u16 *ordered, size_t count, u16 *tuned, const uint32_t known[BUCKETS]) {
    return false;
}
#endif

void tenon_exact_encode(
    int kind, const void *base, const void *tuned, size_t count, void *differences, uint32_t counts[256]) {
    if (!is_ordered(kind)) {
        tenon_difference(kind, base, tuned, count, differences);
        memset(counts, 0, BUCKETS * sizeof counts[0]);
        counts[0] = (uint32_t)count;
    } else if (kind == TENON_F32) {
        encode_u32(kind, base, tuned, count, differences, counts);
    } else if (!encode_vectors(kind, base, tuned, count, differences, counts)) {
        encode_u16(kind, base, tuned, count, differences, counts);
    }
}

void tenon_exact_decode(
    int kind, const void *base, const void *differences, size_t count, void *tuned, const uint32_t counts[256]) {
    if (!is_ordered(kind)) {
        tenon_add_difference(kind, base, differences, count, tuned);
    } else if (kind == TENON_F32) {
        decode_u32(kind, base, differences, count, tuned);
    } else if (!decode_vectors(kind, base, differences, count, tuned, counts)) {
        decode_u16(kind, base, differences, count, tuned);
    }
}
