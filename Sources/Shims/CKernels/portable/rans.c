// Static rANS with four states. The encoder goes from the last byte to the first and writes its words from the end of
// the buffer, so that the decoder reads forward.
#include <string.h>

#include "../internal.h"
#include "tenon_rans.h"

enum { STATES = 4, TOTAL_BITS = 12, WORD_BITS = 16 };

static const uint32_t lower_bound = 1u << WORD_BITS;

static inline uint32_t load_u32(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline void store_u32(uint8_t *bytes, uint32_t value) {
    for (int k = 0; k < 4; k++) bytes[k] = (uint8_t)(value >> 8 * k);
}

// MARK: Frequencies

/// A symbol of frequency f among c occurrences loses about c / (f - 1/2) bits, but for a common factor, when f falls by
/// one, and gains c / (f + 1/2) when it grows. Moves the frequency for which that is best, the lowest of equal ones.
static void adjust(const uint32_t counts[256], uint16_t frequencies[256], const int by) {
    int best = -1;
    uint64_t best_count = 0, best_divisor = 1;
    for (int b = 0; b < 256; b++) {
        if (counts[b] == 0 || (by < 0 && frequencies[b] == 1)) continue;
        uint64_t count = counts[b], divisor = (uint64_t)(2 * frequencies[b] + by);
        uint64_t own = count * best_divisor, others = best_count * divisor;
        if (best < 0 || (by < 0 ? own < others : own > others)) {
            best = b;
            best_count = count;
            best_divisor = divisor;
        }
    }
    frequencies[best] = (uint16_t)(frequencies[best] + by);
}

void tenon_rans_normalize(const uint32_t counts[256], uint16_t frequencies[256]) {
    uint64_t total = 0;
    for (int b = 0; b < 256; b++) total += counts[b];
    memset(frequencies, 0, 256 * sizeof frequencies[0]);
    if (total == 0) return;
    uint32_t sum = 0;
    for (int b = 0; b < 256; b++) {
        if (counts[b] == 0) continue;
        uint64_t nearest = (counts[b] * (uint64_t)TENON_RANS_TOTAL + total / 2) / total;
        frequencies[b] = (uint16_t)(nearest > 0 ? nearest : 1);
        sum += frequencies[b];
    }
    for (; sum > TENON_RANS_TOTAL; sum--) adjust(counts, frequencies, -1);
    for (; sum < TENON_RANS_TOTAL; sum++) adjust(counts, frequencies, 1);
}

// MARK: Encoding

size_t tenon_rans_encode(
    const uint8_t *bytes, size_t count, const uint16_t frequencies[256], uint8_t *coded, size_t capacity) {
    if (capacity < TENON_RANS_STATES) return 0;
    uint32_t starts[256], next = 0;
    for (int b = 0; b < 256; b++) {
        starts[b] = next;
        next += frequencies[b];
    }
    uint32_t states[STATES];
    for (int s = 0; s < STATES; s++) states[s] = lower_bound;
    uint8_t *end = coded + capacity, *word = end;
    for (size_t i = count; i-- > 0;) {
        uint32_t state = states[i % STATES], frequency = frequencies[bytes[i]];
        // From here on the state would leave its range; a frequency of all never gets there. Whether it does is hard to
        // foresee, so the word is written anyway.
        uint32_t is_full = state >= (uint64_t)frequency << (32 - TOTAL_BITS) ? 1 : 0;
        if (word - coded >= TENON_RANS_STATES + 2) {
            word[-2] = (uint8_t)state;
            word[-1] = (uint8_t)(state >> 8);
            word -= 2 * is_full;
        } else if (is_full != 0) {
            return 0;
        }
        state >>= is_full * WORD_BITS;
        states[i % STATES] = (state / frequency << TOTAL_BITS) + state % frequency + starts[bytes[i]];
    }
    for (int s = 0; s < STATES; s++) store_u32(coded + 4 * s, states[s]);
    memmove(coded + TENON_RANS_STATES, word, (size_t)(end - word));
    return TENON_RANS_STATES + (size_t)(end - word);
}

// MARK: Decoding

/// For each place below the total: the symbol in the low byte, then 12 bits of its frequency less 1, and 12 of the
/// place's distance from the symbol's first. Returns whether the frequencies add up.
static bool make_table(const uint16_t frequencies[256], uint32_t table[TENON_RANS_TOTAL]) {
    uint32_t next = 0;
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t frequency = frequencies[b];
        if (frequency > TENON_RANS_TOTAL - next) return false;
        uint32_t entry = b | (frequency - 1) << 8;
        for (uint32_t k = 0; k < frequency; k++) table[next + k] = entry | k << 20;
        next += frequency;
    }
    return next == TENON_RANS_TOTAL;
}

/// Takes a symbol's share out of a state.
TENON_INLINE uint8_t take(uint32_t *state, const uint32_t table[TENON_RANS_TOTAL]) {
    uint32_t entry = table[*state & (TENON_RANS_TOTAL - 1)];
    *state = ((entry >> 8 & 0xfff) + 1) * (*state >> TOTAL_BITS) + (entry >> 20);
    return (uint8_t)entry;
}

int tenon_rans_decode(
    const uint8_t *coded, size_t coded_count, const uint16_t frequencies[256], uint8_t *bytes, size_t count) {
    uint32_t table[TENON_RANS_TOTAL], states[STATES];
    if (coded_count < TENON_RANS_STATES || coded_count % 2 != 0 || !make_table(frequencies, table)) return 0;
    for (int s = 0; s < STATES; s++) {
        states[s] = load_u32(coded + 4 * s);
        if (states[s] < lower_bound) return 0;
    }
    const uint8_t *word = coded + TENON_RANS_STATES, *end = coded + coded_count;
    size_t i = 0;
    // A state at or above the bound needs one word at most after a symbol. Whether it does is hard to foresee, so this
    // computes instead of branching.
    for (; count - i >= STATES && end - word >= 2 * STATES; i += STATES) {
#pragma clang loop unroll(full)
        for (int s = 0; s < STATES; s++) {
            bytes[i + (size_t)s] = take(&states[s], table);
            uint32_t is_low = states[s] >> WORD_BITS == 0 ? 1 : 0, next = word[0] | (uint32_t)word[1] << 8;
            states[s] = states[s] << is_low * WORD_BITS | (next & (0 - is_low));
            word += 2 * is_low;
        }
    }
    for (; i < count; i++) {
        uint32_t *state = &states[i % STATES];
        bytes[i] = take(state, table);
        if (*state >= lower_bound) continue;
        if (end - word < 2) return 0;
        *state = *state << WORD_BITS | word[0] | (uint32_t)word[1] << 8;
        word += 2;
    }
    bool is_whole = word == end;
    for (int s = 0; s < STATES; s++) is_whole = is_whole && states[s] == lower_bound;
    return is_whole ? 1 : 0;
}
