// The tables of functions, one for each instruction set and type.
#ifndef TENON_LEARNING_TABLES_H
#define TENON_LEARNING_TABLES_H

#include "tenon_learning.h"

#pragma GCC visibility push(hidden)

extern const tenon_learning tenon_learning_portable_f32, tenon_learning_portable_f64;
extern const tenon_learning tenon_learning_avx2_f32, tenon_learning_avx2_f64;
extern const tenon_learning tenon_learning_avx512_f32, tenon_learning_avx512_f64;

#pragma GCC visibility pop

#endif
