// What training computes, in float, with AVX-512: thirty-two registers hold eight rows of three vectors.
#if defined(__x86_64__)

#include <math.h>
#include <string.h>

#include "../internal.h"
#include "../portable/learning/tables.h"

#define REAL float
#define IS_DOUBLE 0
#define TABLE tenon_learning_avx512_f32
#define VECTOR_BYTES 64
#define HEIGHT 8
#define VECTORS 3

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw"))), apply_to = function)
#include "../portable/learning/table.h"
#pragma clang attribute pop

#endif
