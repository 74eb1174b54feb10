// The factors of products, read where they lie and widened on the way, and what a thread needs for itself.

enum {
    /// What is turned is fetched so many numbers ahead.
    AHEAD = 64,
    PANEL = VECTORS * LANES,
    /// Rows of a tile of one vector.
    TALL = HEIGHT * 3 / 2,
    /// So much depth at once: a panel stays in the nearest caches for all rows.
    MOST_DEPTH = 256,
    /// So few rows do not repay a copy.
    FEW_ROWS = 3 * HEIGHT,
    /// Rows of a left factor that is widened.
    MOST_WIDENED = 512,
    /// So few columns are rows of the transpose.
    NARROW = LANES / 2,
    /// So many of their rows at once.
    PAIR = 2 * LANES,
    /// An adapted linear has two terms, or one more for each adapter.
    MOST_TERMS = 16,
};

/// What a thread needs for itself.
typedef struct {
    REAL panel[MOST_DEPTH * PANEL];
    REAL strip[MOST_DEPTH * LANES];
    REAL widened[MOST_DEPTH * MOST_WIDENED];
} product_scratch;

static const REAL zeros[PANEL];

TENON_INLINE size_t size_of(int numbers) {
    return numbers == TENON_NUMBERS_OWN ? sizeof(REAL) : numbers == TENON_NUMBERS_F32 ? 4 : 2;
}

/// The operand from an element on, as it lies.
TENON_INLINE const void *place_of(tenon_operand of, size_t row, size_t column) {
    return (const uint8_t *)of.start + (row * of.stride + column) * size_of(of.numbers);
}

static void widen_run(int numbers, const void *from, size_t count, REAL *to) {
    if (numbers == TENON_NUMBERS_OWN) {
        memcpy(to, from, count * sizeof(REAL));
        return;
    }
#if IS_DOUBLE
    float part[128];
    for (size_t i = 0; i < count; i += 128) {
        const size_t width = count - i < 128 ? count - i : 128;
        if (numbers == TENON_NUMBERS_F32) memcpy(part, (const float *)from + i, width * sizeof(float));
        if (numbers == TENON_NUMBERS_BF16) tenon_f32_from_bf16((const uint16_t *)from + i, width, part);
        if (numbers == TENON_NUMBERS_F16) tenon_f32_from_f16((const uint16_t *)from + i, width, part);
        for (size_t j = 0; j < width; j++) to[i + j] = part[j];
    }
#else
    if (numbers == TENON_NUMBERS_F32) memcpy(to, from, count * sizeof(float));
    if (numbers == TENON_NUMBERS_BF16) tenon_f32_from_bf16(from, count, to);
    if (numbers == TENON_NUMBERS_F16) tenon_f32_from_f16(from, count, to);
#endif
}

static void learning_widen(tenon_operand from, tenon_matrix to, tenon_range rows) {
    EACH_ROW(rows, t) widen_run(from.numbers, place_of(from, t, 0), to.columns, ROW(to, t));
}

/// The operand that begins at a row of the left factor or a column of the right one.
TENON_INLINE tenon_operand moved(tenon_operand of, size_t place, bool is_left) {
    of.start = is_left != (of.is_transposed != 0) ? place_of(of, place, 0) : place_of(of, 0, place);
    return of;
}
