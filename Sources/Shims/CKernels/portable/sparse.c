// Few changes: which elements differ, as gaps of bytes, and by how much.
#include <string.h>

#include "../internal.h"
#include "elements.h"

/// A gap's byte that says: so many equal elements, and the gap goes on.
enum { LONG_GAP = 255 };

// MARK: Counting

/// Counts within a block in a number as narrow as the elements, so that as many fit a vector.
#define COUNTS(type, width)                                                                                           \
    TENON_INLINE size_t changed_##type(const type *base, const type *tuned, size_t count) {                           \
        enum { BLOCK = 128 };                                                                                         \
        size_t changed = 0, i = 0;                                                                                    \
        for (; count - i >= BLOCK; i += BLOCK) {                                                                      \
            uint##width##_t block = 0;                                                                                \
            for (size_t k = 0; k < BLOCK; k++) {                                                                      \
                block = (uint##width##_t)(block + (base[i + k] != tuned[i + k] ? 1 : 0));                             \
            }                                                                                                         \
            changed += block;                                                                                         \
        }                                                                                                             \
        for (; i < count; i++) changed += base[i] != tuned[i] ? 1 : 0;                                                \
        return changed;                                                                                               \
    }

COUNTS(u8, 8)
COUNTS(u16, 16)
COUNTS(u32, 32)
COUNTS(u64, 64)

TENON_INLINE size_t tenon_count_changed_body(const void *base, const void *tuned, size_t count, size_t width) {
    switch (width) {
    case 1: return changed_u8(base, tuned, count);
    case 2: return changed_u16(base, tuned, count);
    case 4: return changed_u32(base, tuned, count);
    default: return changed_u64(base, tuned, count);
    }
}

TENON_COMPILED_BODIES(
    size_t, tenon_count_changed, (const void *base, const void *tuned, size_t count, size_t width),
    (base, tuned, count, width))

// MARK: Encoding

static uint8_t *put_gap(uint8_t *gaps, uint64_t gap) {
    for (; gap >= LONG_GAP; gap -= LONG_GAP) *gaps++ = LONG_GAP;
    *gaps++ = (uint8_t)gap;
    return gaps;
}

static inline uint64_t word_at(const uint8_t *bytes) {
    return *(const u64 *)(const void *)bytes;
}

/// Gathers the changed elements of a block before their differences are taken together.
enum { BLOCK = 512 };

/// Looks at eight bytes at a time until they differ.
TENON_INLINE tenon_sparse_size encode(
    int kind, const uint8_t *base, const uint8_t *tuned, size_t count, uint64_t *pending, uint8_t *gaps,
    uint8_t *differences, const size_t width) {
    const size_t step = sizeof(u64) / width;
    uint8_t from[BLOCK * sizeof(u64)], to[BLOCK * sizeof(u64)];
    uint8_t *gap_end = gaps, *difference_end = differences;
    uint64_t gap = *pending;
    size_t found = 0, i = 0;
    while (i < count) {
        size_t length = count - i < step ? count - i : step;
        if (length == step && word_at(base + width * i) == word_at(tuned + width * i)) {
            gap += step;
            i += step;
            continue;
        }
        if (found + step > BLOCK) {
            tenon_difference(kind, from, to, found, difference_end);
            difference_end += width * found;
            found = 0;
        }
        for (size_t end = i + length; i < end; i++) {
            if (memcmp(base + width * i, tuned + width * i, width) == 0) {
                gap++;
                continue;
            }
            gap_end = put_gap(gap_end, gap);
            gap = 0;
            memcpy(from + width * found, base + width * i, width);
            memcpy(to + width * found, tuned + width * i, width);
            found++;
        }
    }
    tenon_difference(kind, from, to, found, difference_end);
    difference_end += width * found;
    *pending = gap;
    return (tenon_sparse_size){(size_t)(gap_end - gaps), (size_t)(difference_end - differences) / width};
}

tenon_sparse_size tenon_sparse_encode(
    int kind, const void *base, const void *tuned, size_t count, uint64_t *pending, uint8_t *gaps,
    void *differences) {
    switch (tenon_width_of(kind)) {
    case 1: return encode(kind, base, tuned, count, pending, gaps, differences, 1);
    case 2: return encode(kind, base, tuned, count, pending, gaps, differences, 2);
    case 4: return encode(kind, base, tuned, count, pending, gaps, differences, 4);
    default: return encode(kind, base, tuned, count, pending, gaps, differences, 8);
    }
}

// MARK: Applying

/// Reads bytes of gaps until one is whole. Returns whether it is.
static bool read_gap(tenon_sparse *stream) {
    while (stream->is_whole == 0 && stream->gap_count > 0) {
        uint8_t byte = *stream->gaps++;
        stream->gap_count--;
        stream->skip += byte;
        stream->is_whole = byte != LONG_GAP ? 1 : 0;
    }
    return stream->is_whole != 0;
}

TENON_INLINE size_t
apply(int kind, tenon_sparse *stream, uint8_t *values, size_t count, const size_t width) {
    uint8_t from[BLOCK * sizeof(u64)], to[BLOCK * sizeof(u64)];
    size_t places[BLOCK];
    size_t done = 0;
    bool goes_on = true;
    while (goes_on) {
        size_t found = 0;
        while (found < BLOCK) {
            if (!read_gap(stream)) {
                goes_on = false;
                break;
            }
            size_t left = count - done;
            if (stream->skip >= left) {
                stream->skip -= left;
                done = count;
                goes_on = false;
                break;
            }
            if (stream->difference_count == found) {
                goes_on = false;
                break;
            }
            done += stream->skip;
            places[found] = done;
            memcpy(from + width * found, values + width * done, width);
            found++;
            done++;
            stream->skip = 0;
            stream->is_whole = 0;
        }
        tenon_add_difference(kind, from, stream->differences, found, to);
        for (size_t k = 0; k < found; k++) memcpy(values + width * places[k], to + width * k, width);
        stream->differences = (const uint8_t *)stream->differences + width * found;
        stream->difference_count -= found;
    }
    return done;
}

size_t tenon_sparse_apply(int kind, tenon_sparse *stream, void *values, size_t count) {
    switch (tenon_width_of(kind)) {
    case 1: return apply(kind, stream, values, count, 1);
    case 2: return apply(kind, stream, values, count, 2);
    case 4: return apply(kind, stream, values, count, 4);
    default: return apply(kind, stream, values, count, 8);
    }
}
