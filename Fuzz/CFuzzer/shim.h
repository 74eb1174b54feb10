#include <stddef.h>
#include <stdint.h>

/// libFuzzer's own way to change `data` in place; returns the new size.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);
