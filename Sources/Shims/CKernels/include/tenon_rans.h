// An entropy coder of order 0 for segments of a byte plane: range asymmetric numeral systems (Duda, "Asymmetric numeral
// systems", 2013; the interleaving is Giesen's, "Interleaved entropy coders", 2014) with a table for each segment.
//
// Four states of 32 bits take turns, symbol i going to state i mod 4. Frequencies add up to 2^12; a state lies in
// [2^16, 2^32) and is filled and emptied by 16 bits. A segment is the four states, then the words in the order in which
// they are read, all little-endian. A state starts as 2^16, and the decoder must end there with no word left over.
#ifndef TENON_RANS_H
#define TENON_RANS_H

#include <stddef.h>
#include <stdint.h>

enum {
    /// What a segment's frequencies add up to.
    TENON_RANS_TOTAL = 4096,
    /// The bytes of the states, and so the least a segment has.
    TENON_RANS_STATES = 16,
};

/// The frequencies for a segment in which byte b occurs `counts[b]` times: at least 1 where it occurs at all, adding up
/// to TENON_RANS_TOTAL, or all 0 where nothing does. Integer arithmetic throughout.
void tenon_rans_normalize(const uint32_t counts[256], uint16_t frequencies[256]);

/// Codes `count` bytes, each of which has a frequency. Returns how many bytes that took, or 0 if it would be more than
/// `capacity`. TENON_RANS_STATES + 2 * ((3 * count + 3) / 4 + 4) is always enough.
size_t tenon_rans_encode(
    const uint8_t *bytes, size_t count, const uint16_t frequencies[256], uint8_t *coded, size_t capacity);

/// Decodes `count` bytes. Returns 0, having written something to `bytes`, unless the frequencies add up to
/// TENON_RANS_TOTAL and all of `coded` is what gives so many bytes. Reads and writes within the two buffers only, whatever
/// they hold.
int tenon_rans_decode(
    const uint8_t *coded, size_t coded_count, const uint16_t frequencies[256], uint8_t *bytes, size_t count);

#endif
