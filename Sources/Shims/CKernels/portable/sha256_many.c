// SHA-256 of many messages side by side: one compression is a chain of dependent steps, many fill the processor. The
// messages of a batch wait in order; as one ends, the next takes its lane (after Gueron and Krasnov, "Simultaneous
// hashing of multiple messages", 2012).
#include <string.h>

#include "../internal.h"

enum { MOST_LANES = 16 };

// MARK: One message

/// A run of whole blocks in one piece of memory.
typedef struct {
    const uint8_t *blocks;
    size_t count;
} run;

/// A message on its way: up to three runs, which are its first block when a prefix shifts the bytes, the blocks read
/// straight from the caller's memory, and the padded tail.
typedef struct {
    run runs[3];
    unsigned at;
    unsigned count;
    uint32_t state[8];
    uint8_t *digest;
    uint8_t first[64];
    uint8_t tail[128];
} stream;

static void append(stream *stream, const uint8_t *blocks, size_t count) {
    stream->runs[stream->count++] = (run){blocks, count};
}

static void start(stream *stream, tenon_message message, int prefix, uint8_t *digest) {
    memcpy(stream->state, tenon_sha256_initial, sizeof stream->state);
    stream->digest = digest;
    stream->at = 0;
    stream->count = 0;
    const uint8_t *bytes = message.bytes;
    size_t left = message.count, used = 0;
    if (prefix >= 0 && left >= 63) {
        stream->first[0] = (uint8_t)prefix;
        memcpy(stream->first + 1, bytes, 63);
        append(stream, stream->first, 1);
        bytes += 63;
        left -= 63;
    } else if (prefix >= 0) {
        stream->tail[used++] = (uint8_t)prefix;
    }
    if (left >= 64) {
        append(stream, bytes, left / 64);
        bytes += left / 64 * 64;
        left %= 64;
    }
    // Nothing may come with a null pointer.
    if (left != 0) memcpy(stream->tail + used, bytes, left);
    uint64_t length = (uint64_t)message.count + (prefix >= 0 ? 1 : 0);
    append(stream, stream->tail, tenon_sha256_pad(stream->tail, used + left, length));
}

/// Goes `blocks` on, no farther than the run at hand. Returns whether that was the message's last.
static bool advance(stream *stream, size_t blocks) {
    run *run = &stream->runs[stream->at];
    run->blocks += 64 * blocks;
    run->count -= blocks;
    if (run->count == 0) stream->at++;
    return stream->at == stream->count;
}

static void finish(const stream *stream) {
    for (int i = 0; i < 8; i++) tenon_store_be32(stream->digest + 4 * i, stream->state[i]);
}

// MARK: Lanes

/// A body, how many messages it takes, and from how many on it beats the narrower ones.
typedef struct {
    size_t lanes;
    size_t worth;
    tenon_sha256_body *compress;
} engine;

/// Fills `engines`, the widest first; the last takes any number of messages. Returns the most lanes among them.
///
/// Measured on Zen 5 with 64 KiB messages, in GB/s: sixteen lanes of AVX-512 do 5.5 however many are in use, the SHA
/// instructions 1.8 for one message, 2.8 for two and 3.3 for four, eight lanes of AVX2 1.8 and the portable body 0.4.
static size_t choose(engine engines[4]) {
    size_t count = 0;
#if defined(__x86_64__)
    unsigned features = tenon_features();
    unsigned level = features & TENON_LEVEL_MASK;
    bool sha = (features & TENON_HAS_SHA) != 0;
    if (level >= TENON_SIMD_AVX512) {
        engines[count++] = (engine){16, sha ? 9 : 2, tenon_sha256_avx512};
    } else if (level >= TENON_SIMD_AVX2 && !sha) {
        engines[count++] = (engine){8, 2, tenon_sha256_avx2};
    }
    if (sha) {
        engines[count++] = (engine){4, 3, tenon_sha256_ni4};
        engines[count++] = (engine){2, 2, tenon_sha256_ni2};
    }
#endif
    engines[count] = (engine){1, 0, tenon_sha256_single()};
    return engines[0].lanes;
}

/// Runs the first of `streams` through the lanes until the shortest run among them ends. Returns by how many blocks.
static size_t step(const engine *engine, stream *const *streams, size_t count) {
    uint32_t *states[MOST_LANES];
    const uint8_t *blocks[MOST_LANES];
    // Lanes without a message repeat the first one's work for nothing.
    uint32_t unused[8] = {0};
    size_t shortest = SIZE_MAX;
    for (size_t lane = 0; lane < engine->lanes; lane++) {
        stream *stream = streams[lane < count ? lane : 0];
        const run *run = &stream->runs[stream->at];
        states[lane] = lane < count ? stream->state : unused;
        blocks[lane] = run->blocks;
        if (run->count < shortest) shortest = run->count;
    }
    engine->compress(states, blocks, shortest);
    return shortest;
}

void tenon_sha256_many(const tenon_message *messages, size_t count, int prefix, uint8_t (*digests)[32]) {
    engine engines[4];
    size_t lanes = choose(engines);
    stream slots[MOST_LANES];
    stream *streams[MOST_LANES];
    for (size_t i = 0; i < MOST_LANES; i++) streams[i] = &slots[i];

    // The first `held` of `streams` are messages under way.
    size_t held = 0, next = 0;
    for (;;) {
        for (; held < lanes && next < count; next++) start(streams[held++], messages[next], prefix, digests[next]);
        if (held == 0) return;
        const engine *engine = engines;
        while (held < engine->worth) engine++;
        size_t running = held < engine->lanes ? held : engine->lanes;
        size_t blocks = step(engine, streams, running);
        for (size_t lane = running; lane-- > 0;) {
            stream *ended = streams[lane];
            if (!advance(ended, blocks)) continue;
            finish(ended);
            held--;
            streams[lane] = streams[held];
            streams[held] = ended;
        }
    }
}

size_t tenon_sha256_lanes(void) {
    engine engines[4];
    return choose(engines);
}
