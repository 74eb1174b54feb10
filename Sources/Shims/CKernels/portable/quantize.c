#include "tenon_quantize.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Below this a reciprocal would overflow.
static const float smallest_divisor = 1e-38f;

static float inverse_of(float scale) { return 1.0f / (scale > smallest_divisor ? scale : smallest_divisor); }

// MARK: Scales

// Magnitudes of floats are ordered as their bits are, and those of NaN come last.
static uint32_t largest_magnitude(const float *values, size_t count) {
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        bits &= 0x7fffffff;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

size_t tenon_block_absmax(const float *values, size_t count, size_t block, float *absmax) {
    for (size_t start = 0; start < count; start += block, absmax++) {
        size_t length = smaller(block, count - start);
        uint32_t largest = largest_magnitude(values + start, length);
        if (largest >= 0x7f800000) {
            while (isfinite(values[start])) start++;
            return start;
        }
        memcpy(absmax, &largest, sizeof largest);
    }
    return count;
}

// MARK: int8

static void int8_encode_block(const float *values, size_t count, float scale, int8_t *codes) {
    // Adding and taking away 1.5 * 2^23 rounds to an integer, ties to even, without a call.
    const float rounder = 12582912.0f;
    for (size_t i = 0; i < count; i++) {
        float code = values[i] / scale;
        code = code > 127.0f ? 127.0f : code;
        code = code < -127.0f ? -127.0f : code;
        codes[i] = (int8_t)(int32_t)((code + rounder) - rounder);
    }
}

void tenon_int8_encode(const float *values, size_t count, size_t block, const float *scales, int8_t *codes) {
    for (size_t start = 0; start < count; start += block, scales++) {
        size_t length = smaller(block, count - start);
        if (*scales > 0) {
            int8_encode_block(values + start, length, *scales, codes + start);
        } else {
            memset(codes + start, 0, length);
        }
    }
}

void tenon_int8_decode(const int8_t *codes, size_t count, size_t block, const float *scales, float *values) {
    for (size_t start = 0; start < count; start += block, scales++) {
        size_t end = start + smaller(block, count - start);
        const float scale = *scales;
        for (size_t i = start; i < end; i++) values[i] = (float)codes[i] * scale;
    }
}

// MARK: NF4

static const float nf4_codebook[16] = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

// Counts the midpoints below each value: fifteen comparisons, but side by side.
static void nf4_encode_block(const float *values, size_t count, float scale, const float midpoints[15], uint8_t *codes) {
    const float inverse = inverse_of(scale);
    for (size_t i = 0; i < count; i++) {
        float value = values[i] * inverse;
        int32_t code = 0;
        for (int k = 0; k < 15; k++) code += value > midpoints[k];
        codes[i] = (uint8_t)code;
    }
}

void tenon_nf4_encode(const float *values, size_t count, size_t block, const float *scales, uint8_t *codes) {
    float midpoints[15];
    for (int k = 0; k < 15; k++) midpoints[k] = (nf4_codebook[k] + nf4_codebook[k + 1]) / 2;
    uint8_t wide[256 + 1];
    for (size_t start = 0; start < count; start += block, scales++) {
        size_t length = smaller(block, count - start);
        nf4_encode_block(values + start, length, *scales, midpoints, wide);
        wide[length] = 0;
        uint8_t *target = codes + start / 2;
        for (size_t i = 0; i < length; i += 2) target[i / 2] = (uint8_t)(wide[i] << 4 | wide[i + 1]);
    }
}

void tenon_nf4_decode(const uint8_t *codes, size_t count, size_t block, const float *scales, float *values) {
    for (size_t start = 0; start < count; start += block, scales++) {
        size_t end = start + smaller(block, count - start);
        const float scale = *scales;
        size_t i = start;
        for (; i + 1 < end; i += 2) {
            values[i] = nf4_codebook[codes[i / 2] >> 4] * scale;
            values[i + 1] = nf4_codebook[codes[i / 2] & 15] * scale;
        }
        if (i < end) values[i] = nf4_codebook[codes[i / 2] >> 4] * scale;
    }
}

// MARK: Tables of 256

void tenon_table_encode(const float *values, size_t count, float scale, const float bounds[255], uint8_t *codes) {
    const float inverse = inverse_of(scale);
    for (size_t i = 0; i < count; i++) {
        float value = values[i] * inverse;
        unsigned code = 0;
        for (unsigned step = 128; step > 0; step /= 2) code += value > bounds[code + step - 1] ? step : 0;
        codes[i] = (uint8_t)code;
    }
}

void tenon_table_decode(
    const uint8_t *codes, size_t count, const float table[256], float scale, float offset, float *values) {
    for (size_t i = 0; i < count; i++) {
        float product = table[codes[i]] * scale;
        values[i] = product + offset;
    }
}

// MARK: Values

void tenon_clamp(float *values, size_t count, float limit) {
    for (size_t i = 0; i < count; i++) {
        float value = values[i];
        value = value > limit ? limit : value;
        values[i] = value < -limit ? -limit : value;
    }
}

void tenon_compare(
    const float *values, const float *others, size_t count, double *signal, double *noise, double *largest) {
    // Eight sums instead of one: vectors can hold them, and their order does not depend on the vector's width.
    enum { lanes = 8 };
    double signals[lanes] = {0}, noises[lanes] = {0}, most[lanes] = {0};
    size_t whole = count - count % lanes;
    for (size_t i = 0; i < whole; i += lanes) {
        for (size_t k = 0; k < lanes; k++) {
            double value = values[i + k];
            double difference = fabs(value - (double)others[i + k]);
            double square = value * value;
            double error = difference * difference;
            signals[k] += square;
            noises[k] += error;
            most[k] = difference > most[k] ? difference : most[k];
        }
    }
    for (size_t i = whole; i < count; i++) {
        double value = values[i];
        double difference = fabs(value - (double)others[i]);
        double square = value * value;
        double error = difference * difference;
        signals[i - whole] += square;
        noises[i - whole] += error;
        most[i - whole] = difference > most[i - whole] ? difference : most[i - whole];
    }
    for (size_t k = 0; k < lanes; k++) {
        *signal += signals[k];
        *noise += noises[k];
        *largest = most[k] > *largest ? most[k] : *largest;
    }
}
