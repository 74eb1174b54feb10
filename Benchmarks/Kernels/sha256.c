// Times tenon_sha256_many() on leaves of 1 MiB: sha256 best|avx512|avx2|neon THREADS
//
// Prints GB/s of all threads together, after half a second. A level leaves the SHA instructions out; "best" is what the
// tool uses. Exits 69 where the processor lacks the level, 2 where digests are wrong.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tenon_kernels.h"

enum { LEAF = 1 << 20, LEAVES = 32, MOST_THREADS = 64 };

static const double duration = 0.5;
static uint8_t *leaves;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void hash_all(uint8_t digests[LEAVES][32]) {
    tenon_message messages[LEAVES];
    for (size_t i = 0; i < LEAVES; i++) messages[i] = (tenon_message){leaves + i * LEAF, LEAF};
    tenon_sha256_many(messages, LEAVES, 0, digests);
}

/// Hashes until the time is over; returns the bytes hashed.
static void *work(void *result) {
    uint8_t digests[LEAVES][32];
    double end = now() + duration;
    uint64_t bytes = 0;
    while (now() < end) {
        hash_all(digests);
        bytes += (uint64_t)LEAF * LEAVES;
    }
    *(uint64_t *)result = bytes;
    return NULL;
}

/// Whether the lanes give the digests that one message after the other has.
static int is_right(void) {
    uint8_t digests[LEAVES][32];
    hash_all(digests);
    for (size_t i = 0; i < LEAVES; i++) {
        tenon_sha256 hash;
        uint8_t prefix = 0, expected[32];
        tenon_sha256_begin(&hash);
        tenon_sha256_update(&hash, &prefix, 1);
        tenon_sha256_update(&hash, leaves + i * LEAF, LEAF);
        tenon_sha256_end(&hash, expected);
        if (memcmp(expected, digests[i], 32) != 0) return 0;
    }
    return 1;
}

int main(int count, char **words) {
    int threads = count == 3 ? atoi(words[2]) : 0;
    if (threads < 1 || threads > MOST_THREADS) {
        fprintf(stderr, "usage: sha256 best|avx512|avx2|neon THREADS\n");
        return 64;
    }
    if (strcmp(words[1], "best") != 0) {
        for (int level = TENON_SIMD_NEON; level <= TENON_SIMD_AVX512; level++) {
            if (strcmp(words[1], tenon_simd_name(level)) == 0) tenon_simd_limit(level | TENON_SIMD_PLAIN);
        }
        if (strcmp(words[1], tenon_simd_name(tenon_simd_level())) != 0) return 69;
    }
    leaves = malloc((size_t)LEAF * LEAVES);
    if (leaves == NULL) return 71;
    for (size_t i = 0; i < (size_t)LEAF * LEAVES; i++) leaves[i] = (uint8_t)(i * 2654435761u >> 13);
    if (!is_right()) return 2;

    pthread_t workers[MOST_THREADS];
    uint64_t bytes[MOST_THREADS], total = 0;
    double begin = now();
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&workers[i], NULL, work, &bytes[i]) != 0) return 71;
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(workers[i], NULL);
        total += bytes[i];
    }
    printf("%.4f\n", (double)total / 1e9 / (now() - begin));
    return 0;
}
