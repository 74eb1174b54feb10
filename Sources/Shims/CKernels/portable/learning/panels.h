// Panels hold a few columns of a right factor, as wide as a tile, for part of the depth: row by row of the depth, filled up
// with zeros to whole vectors.

/// Puts LANES rows of LANES elements, `stride` apart, into as many rows of a panel, turned about.
#if IS_DOUBLE

TENON_INLINE void turn(const REAL *from, size_t stride, REAL *to, size_t to_stride) {
    for (size_t i = 0; i < LANES; i++) {
        for (size_t j = 0; j < LANES; j++) to[j * to_stride + i] = from[i * stride + j];
    }
}

#else

typedef float quad __attribute__((ext_vector_type(4)));
typedef float loose_quad __attribute__((ext_vector_type(4), aligned(4), may_alias));

// Four by four within each quarter, eighth or whole of a vector: two rounds of pairs.
#if VECTOR_BYTES == 64
#define PAIRS_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define PAIRS_HIGH(a, b) __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define HALVES_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HALVES_HIGH(a, b) __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define JOINED(q)                                                                                                     \
    __builtin_shufflevector(                                                                                          \
        __builtin_shufflevector(q(0), q(1), 0, 1, 2, 3, 4, 5, 6, 7),                                                  \
        __builtin_shufflevector(q(2), q(3), 0, 1, 2, 3, 4, 5, 6, 7), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,    \
        14, 15)
#elif VECTOR_BYTES == 32
#define PAIRS_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define PAIRS_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define HALVES_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HALVES_HIGH(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define JOINED(q) __builtin_shufflevector(q(0), q(1), 0, 1, 2, 3, 4, 5, 6, 7)
#else
#define PAIRS_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define PAIRS_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define HALVES_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define HALVES_HIGH(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#define JOINED(q) q(0)
#endif

/// Four columns of LANES rows, `stride` apart, each in one vector.
TENON_INLINE void turn_four(const float *from, size_t stride, vector columns[4]) {
    vector rows[4];
    UNROLLED for (size_t i = 0; i < 4; i++) {
#define QUAD(part) (*(const loose_quad *)(const void *)(from + (i + 4 * (part)) * stride))
        rows[i] = JOINED(QUAD);
#undef QUAD
    }
    const vector low = PAIRS_LOW(rows[0], rows[1]), high = PAIRS_HIGH(rows[0], rows[1]);
    const vector other_low = PAIRS_LOW(rows[2], rows[3]), other_high = PAIRS_HIGH(rows[2], rows[3]);
    columns[0] = HALVES_LOW(low, other_low);
    columns[1] = HALVES_HIGH(low, other_low);
    columns[2] = HALVES_LOW(high, other_high);
    columns[3] = HALVES_HIGH(high, other_high);
}

TENON_INLINE void turn(const float *from, size_t stride, float *to, size_t to_stride) {
    UNROLLED for (size_t i = 0; i < LANES; i++) __builtin_prefetch(from + i * stride + AHEAD);
    UNROLLED for (size_t j = 0; j < LANES; j += 4) {
        vector columns[4];
        turn_four(from + j, stride, columns);
        UNROLLED for (size_t q = 0; q < 4; q++) store(columns[q], to + (j + q) * to_stride);
    }
}

#endif

/// Puts `rows` rows of `depth` elements, `stride` apart, into a column of vectors of a panel; what is missing is zero.
static void turn_rows(
    const REAL *from, size_t stride, size_t rows, size_t depth, REAL *to, size_t span, REAL *strip) {
    if (rows < LANES) {
        for (size_t i = 0; i < LANES; i++) {
            if (i < rows && from != strip) memcpy(strip + i * depth, from + i * stride, depth * sizeof(REAL));
            if (i >= rows) memset(strip + i * depth, 0, depth * sizeof(REAL));
        }
        from = strip;
        stride = depth;
    }
    size_t k = 0;
    for (; depth - k >= LANES; k += LANES) turn(from + k, stride, to + k * span, span);
    for (; k < depth; k++) {
        for (size_t i = 0; i < LANES; i++) to[k * span + i] = from[i * stride + k];
    }
}

/// Fills a panel [depth, vectors · LANES] with columns of the transpose of what lies at `from`: `width` of its rows. What
/// is wider is zero.
static void fill_turned(
    tenon_operand of, const void *from, size_t width, size_t depth, size_t vectors, product_scratch *scratch) {
    const size_t span = vectors * LANES, size = size_of(of.numbers);
    for (size_t v = 0; v < vectors; v++) {
        const size_t rows = width - v * LANES < LANES ? width - v * LANES : LANES;
        for (size_t k = 0; k < depth; k += MOST_DEPTH) {
            const size_t part = depth - k < MOST_DEPTH ? depth - k : MOST_DEPTH;
            const uint8_t *start = (const uint8_t *)from + (v * LANES * of.stride + k) * size;
            const REAL *strip = (const void *)start;
            size_t stride = of.stride;
            if (of.numbers != TENON_NUMBERS_OWN) {
                for (size_t i = 0; i < rows; i++) {
                    // The next panel's, whose rows are too short a run for the processor to see it coming.
                    const uint8_t *next = start + (i + vectors * LANES) * of.stride * size;
                    for (size_t b = 0; b < part * size; b += 64) __builtin_prefetch(next + b);
                    widen_run(of.numbers, start + i * of.stride * size, part, scratch->strip + i * part);
                }
                strip = scratch->strip;
                stride = part;
            }
            turn_rows(strip, stride, rows, part, scratch->panel + k * span + v * LANES, span, scratch->strip);
        }
    }
}

/// As above, of what is not transposed.
static void fill(
    tenon_operand of, const void *from, size_t width, size_t depth, size_t vectors, product_scratch *scratch) {
    const size_t span = vectors * LANES, step = of.stride * size_of(of.numbers);
    REAL *to = scratch->panel;
    for (size_t k = 0; k < depth; k++, to += span) {
        const uint8_t *row = (const uint8_t *)from + k * step;
        if (of.numbers == TENON_NUMBERS_OWN && width == span) {
            UNROLLED for (size_t v = 0; v < VECTORS; v++) {
                if (v < vectors) store(load((const REAL *)(const void *)row + v * LANES), to + v * LANES);
            }
        } else {
            widen_run(of.numbers, row, width, to);
            for (size_t i = width; i < span; i++) to[i] = 0;
        }
    }
}
