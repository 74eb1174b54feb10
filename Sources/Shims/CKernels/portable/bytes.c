// What a buffer of bytes holds: how often each value, and whether anything but zeros.
#include <string.h>

#include "../internal.h"

static inline uint64_t load_u64(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/// Equal bytes in a row would wait for each other's count to be stored, so neighbours count in different tables.
void tenon_histogram(const uint8_t *bytes, size_t count, uint32_t counts[256]) {
    uint32_t tables[4][256] = {{0}};
    size_t i = 0;
    for (; count - i >= 8; i += 8) {
        uint64_t word = load_u64(bytes + i);
        tables[0][word & 0xff]++;
        tables[1][word >> 8 & 0xff]++;
        tables[2][word >> 16 & 0xff]++;
        tables[3][word >> 24 & 0xff]++;
        tables[0][word >> 32 & 0xff]++;
        tables[1][word >> 40 & 0xff]++;
        tables[2][word >> 48 & 0xff]++;
        tables[3][word >> 56]++;
    }
    for (; i < count; i++) tables[0][bytes[i]]++;
    for (int value = 0; value < 256; value++) {
        counts[value] = tables[0][value] + tables[1][value] + tables[2][value] + tables[3][value];
    }
}

/// Looks once per 128 bytes: soon enough to stop early, seldom enough for the compiler to use vectors in between.
int tenon_is_zero(const uint8_t *bytes, size_t count) {
    size_t i = 0;
    for (; count - i >= 128; i += 128) {
        uint64_t seen = 0;
        for (size_t k = 0; k < 128; k += 8) seen |= load_u64(bytes + i + k);
        if (seen != 0) return 0;
    }
    uint8_t seen = 0;
    for (; i < count; i++) seen |= bytes[i];
    return seen == 0;
}
