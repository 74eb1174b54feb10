// The inner loops of blockwise quantization. Values are fp32; a tensor is cut into blocks of `block` elements, the last
// of which may be shorter, and block k has `scales[k]`.
//
// Every product and sum is rounded by itself, never fused, so that all processors give the same bytes.
#ifndef TENON_QUANTIZE_H
#define TENON_QUANTIZE_H

#include <stddef.h>
#include <stdint.h>

/// `absmax[k] = max |values[i]|` over block k. Returns the place of the first value that is not finite, or `count`.
size_t tenon_block_absmax(const float *values, size_t count, size_t block, float *absmax);

/// `codes[i] = clamp(round(values[i] / scales[k]), -127, 127)`, ties to even; 0 where the scale is 0.
void tenon_int8_encode(const float *values, size_t count, size_t block, const float *scales, int8_t *codes);
/// `values[i] = codes[i] * scales[k]`.
void tenon_int8_decode(const int8_t *codes, size_t count, size_t block, const float *scales, float *values);

/// The nearest entry of NF4's codebook to `values[i] / scales[k]`, the lower of two equally near; two codes a byte, the
/// first in the high half. `block` is even and at most 256. After an odd `count` the last low half is zero.
void tenon_nf4_encode(const float *values, size_t count, size_t block, const float *scales, uint8_t *codes);
/// `values[i] = codebook[codes[i]] * scales[k]`; `block` is even.
void tenon_nf4_decode(const uint8_t *codes, size_t count, size_t block, const float *scales, float *values);

/// For a table of 256 ascending entries: how many of the 255 `bounds` between them lie below `values[i] / scale`.
void tenon_table_encode(const float *values, size_t count, float scale, const float bounds[255], uint8_t *codes);
/// `values[i] = table[codes[i]] * scale + offset`.
void tenon_table_decode(
    const uint8_t *codes, size_t count, const float table[256], float scale, float offset, float *values);

/// Replaces what lies outside ±`limit` by the nearer end. Values are no NaN.
void tenon_clamp(float *values, size_t count, float limit);

/// Adds the squares of `values` to `*signal` and of `values - others` to `*noise`, and raises `*largest` to the
/// largest difference. The sums are in fp64 and in one fixed order.
void tenon_compare(
    const float *values, const float *others, size_t count, double *signal, double *noise, double *largest);

#endif
