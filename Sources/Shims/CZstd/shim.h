// The experimental parameters (literal compression mode) are declared only for static linking, yet every shared
// library since 1.4 answers to them through ZSTD_CCtx_setParameter.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
