// What training computes, in double, on any processor; on ARM with NEON.
#include "learning/tables.h"

#define REAL double
#define IS_DOUBLE 1
#define TABLE tenon_learning_portable_f64

// NEON has thirty-two registers: eight rows of three vectors leave four for a row of the right factor and one of the left.
#if defined(__aarch64__)
#define VECTOR_BYTES 16
#define HEIGHT 8
#define VECTORS 3
#else
#define VECTOR_BYTES 16
#define HEIGHT 4
#define VECTORS 2
#endif

#include "learning/table.h"
