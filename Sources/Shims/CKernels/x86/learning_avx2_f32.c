// What training computes, in float, with AVX2: sixteen registers hold six rows of two vectors.
#if defined(__x86_64__)

#include <math.h>
#include <string.h>

#include "../internal.h"
#include "../portable/learning/tables.h"

#define REAL float
#define IS_DOUBLE 0
#define TABLE tenon_learning_avx2_f32
#define VECTOR_BYTES 32
#define HEIGHT 6
#define VECTORS 2

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "../portable/learning/table.h"
#pragma clang attribute pop

#endif
