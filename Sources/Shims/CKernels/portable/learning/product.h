// Products. Registers hold a tile of the result, up to HEIGHT rows and VECTORS vectors, while the depth goes by; elements
// of the left factor are broadcast, so it is read as it lies either way. The right factor goes through a panel as wide as
// a tile, where it is not read as it lies too.

enum {
    PANEL = VECTORS * LANES,
    /// So much depth at once: a panel stays in the nearest caches for all rows.
    MOST_DEPTH = 256,
    /// So few rows do not repay a copy.
    FEW_ROWS = 3 * HEIGHT,
    /// Rows of a left factor that is widened.
    MOST_WIDENED = 512,
};

/// What a thread needs for itself.
typedef struct {
    REAL panel[MOST_DEPTH * PANEL];
    REAL strip[MOST_DEPTH * LANES];
    REAL widened[MOST_DEPTH * MOST_WIDENED];
} product_scratch;

static const REAL zeros[PANEL];

// MARK: Operands

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

// MARK: Panels

/// Puts LANES rows of LANES elements, `stride` apart, into as many rows of a panel, turned about.
TENON_INLINE void turn(const REAL *from, size_t stride, REAL *to, size_t to_stride) {
    REAL rows[LANES][LANES] __attribute__((aligned(64)));
    UNROLLED for (size_t i = 0; i < LANES; i++) {
        for (size_t j = 0; j < LANES; j++) rows[j][i] = from[i * stride + j];
    }
    UNROLLED for (size_t i = 0; i < LANES; i++) memcpy(to + i * to_stride, rows[i], sizeof rows[i]);
}

/// Fills a panel [depth, vectors · LANES] with columns of the transpose of what lies at `from`: `width` of its rows. What
/// is wider is zero.
static void fill_turned(
    tenon_operand of, const void *from, size_t width, size_t depth, size_t vectors, product_scratch *scratch) {
    const size_t span = vectors * LANES;
    for (size_t v = 0; v < vectors; v++) {
        const size_t rows = width - v * LANES < LANES ? width - v * LANES : LANES;
        REAL *to = scratch->panel + v * LANES;
        const REAL *strip = (const REAL *)from + v * LANES * of.stride;
        size_t stride = of.stride;
        if (of.numbers != TENON_NUMBERS_OWN) {
            for (size_t i = 0; i < rows; i++) {
                const uint8_t *row = (const uint8_t *)from + (v * LANES + i) * of.stride * size_of(of.numbers);
                widen_run(of.numbers, row, depth, scratch->strip + i * depth);
            }
            strip = scratch->strip;
            stride = depth;
        }
        size_t k = 0;
        if (rows == LANES) {
            for (; depth - k >= LANES; k += LANES) turn(strip + k, stride, to + k * span, span);
        }
        for (; k < depth; k++) {
            for (size_t i = 0; i < rows; i++) to[k * span + i] = strip[i * stride + k];
            for (size_t i = rows; i < LANES; i++) to[k * span + i] = 0;
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

// MARK: Tiles

/// One step of the depth of the factors is `left_step` and `right_step` numbers on; rows of the left one are `left_row`
/// apart.
typedef struct {
    const REAL *left;
    size_t left_row;
    size_t left_step;
    const REAL *right;
    size_t right_step;
    size_t depth;
    const REAL *from;
    size_t from_stride;
    REAL *to;
    size_t to_stride;
} tile_work;

TENON_INLINE void tile(const tile_work *of, const size_t height, const size_t vectors, const bool by_rows) {
    vector sums[HEIGHT][VECTORS];
    UNROLLED for (size_t i = 0; i < height; i++) {
        UNROLLED for (size_t v = 0; v < vectors; v++) sums[i][v] = load(of->from + i * of->from_stride + v * LANES);
    }
    const size_t row = by_rows ? of->left_row : 1, step = by_rows ? 1 : of->left_step;
    const REAL *left[HEIGHT];
    UNROLLED for (size_t i = 0; i < height; i++) left[i] = of->left + i * row;
    const REAL *right = of->right;
    const size_t depth = of->depth, right_step = of->right_step;
    for (size_t k = 0; k < depth; k++, right += right_step) {
        vector factors[VECTORS];
        UNROLLED for (size_t v = 0; v < vectors; v++) factors[v] = load(right + v * LANES);
        UNROLLED for (size_t i = 0; i < height; i++) {
            const vector broadcast = left[i][k * step];
            UNROLLED for (size_t v = 0; v < vectors; v++) {
                sums[i][v] = __builtin_elementwise_fma(broadcast, factors[v], sums[i][v]);
            }
        }
    }
    UNROLLED for (size_t i = 0; i < height; i++) {
        UNROLLED for (size_t v = 0; v < vectors; v++) store(sums[i][v], of->to + i * of->to_stride + v * LANES);
    }
}

TENON_INLINE void tile_of_height(const tile_work *of, size_t height, const size_t vectors, const bool by_rows) {
    if (height == HEIGHT) return tile(of, HEIGHT, vectors, by_rows);
    if (HEIGHT > 4 && height == 4) return tile(of, 4, vectors, by_rows);
    if (height == 2) return tile(of, 2, vectors, by_rows);
    tile(of, 1, vectors, by_rows);
}

#define TILES(vectors, by_rows)                                                                                       \
    static void tiles_##vectors##_##by_rows(const tile_work *of, size_t height) {                                     \
        tile_of_height(of, height, vectors, by_rows);                                                                 \
    }
TILES(1, true)
TILES(1, false)
#if VECTORS > 1
TILES(2, true)
TILES(2, false)
#endif
#if VECTORS > 2
TILES(3, true)
TILES(3, false)
#endif
#undef TILES

static void any_tile(const tile_work *of, size_t height, size_t vectors, bool by_rows) {
#if VECTORS > 2
    if (vectors == 3) return by_rows ? tiles_3_true(of, height) : tiles_3_false(of, height);
#endif
#if VECTORS > 1
    if (vectors == 2) return by_rows ? tiles_2_true(of, height) : tiles_2_false(of, height);
#endif
    by_rows ? tiles_1_true(of, height) : tiles_1_false(of, height);
}

/// A tile of which only `width` columns are there: by way of a whole one.
static void narrow_tile(tile_work of, size_t width, size_t height, size_t vectors, bool by_rows) {
    REAL whole[HEIGHT * PANEL] __attribute__((aligned(64))) = {0};
    REAL *to = of.to;
    for (size_t i = 0; i < height; i++) memcpy(whole + i * PANEL, of.from + i * of.from_stride, width * sizeof(REAL));
    of.from = of.to = whole;
    const size_t stride = of.to_stride;
    of.from_stride = of.to_stride = PANEL;
    any_tile(&of, height, vectors, by_rows);
    for (size_t i = 0; i < height; i++) memcpy(to + i * stride, whole + i * PANEL, width * sizeof(REAL));
}

// MARK: Blocks

/// A block of the result: of its rows, and of the columns of one panel.
typedef struct {
    const REAL *from;
    size_t from_stride;
    REAL *to;
    size_t to_stride;
    size_t rows;
    size_t columns;
} product_block;

/// All rows of one panel over part of a term's depth.
static void panel_product(
    const product_block *of, const tenon_term *term, const REAL *left, size_t left_stride, size_t k, size_t depth,
    size_t column, size_t width, product_scratch *scratch) {
    const size_t vectors = (width + LANES - 1) / LANES, span = vectors * LANES;
    const tenon_operand right = term->right;
    const bool by_rows = !term->left.is_transposed, is_whole = width == span;
    const bool lies_well = !right.is_transposed && right.numbers == TENON_NUMBERS_OWN && is_whole
        && (right.stride == span || of->rows <= FEW_ROWS);
    tile_work work = {
        .left = left, .left_row = left_stride, .left_step = left_stride, .right = scratch->panel, .right_step = span,
        .depth = depth, .from = of->from == zeros ? zeros : of->from + column, .from_stride = of->from_stride,
        .to = of->to + column, .to_stride = of->to_stride};
    if (lies_well) {
        work.right = place_of(right, k, column);
        work.right_step = right.stride;
    } else if (right.is_transposed) {
        fill_turned(right, place_of(right, column, k), width, depth, vectors, scratch);
    } else {
        fill(right, place_of(right, k, column), width, depth, vectors, scratch);
    }
    for (size_t i = 0, height; i < of->rows; i += height) {
        const size_t left_rows = of->rows - i;
        height = left_rows >= HEIGHT ? HEIGHT : HEIGHT > 4 && left_rows >= 4 ? 4 : left_rows >= 2 ? 2 : 1;
        is_whole ? any_tile(&work, height, vectors, by_rows) : narrow_tile(work, width, height, vectors, by_rows);
        work.left += height * (by_rows ? left_stride : 1);
        work.from += height * work.from_stride;
        work.to += height * work.to_stride;
    }
}

/// `to = from + Σ terms`, whose operands begin at the block.
static void product(product_block of, const tenon_term *terms, size_t count, product_scratch *scratch) {
    const tenon_term empty = {.left = {.start = zeros}, .right = {.start = zeros, .stride = PANEL}};
    if (count == 0) {
        terms = &empty;
        count = 1;
    }
    const size_t all = (of.columns + LANES - 1) / LANES;
    for (size_t t = 0; t < count; t++) {
        const tenon_term *term = terms + t;
        const size_t parts = term->depth / MOST_DEPTH + (term->depth % MOST_DEPTH != 0 || term->depth == 0);
        const size_t step = (term->depth + parts - 1) / parts;
        for (size_t k = 0, p = 0; p < parts; k += step, p++) {
            const size_t depth = term->depth - k < step ? term->depth - k : step;
            const bool by_rows = !term->left.is_transposed;
            const void *left = by_rows ? place_of(term->left, 0, k) : place_of(term->left, k, 0);
            size_t left_stride = term->left.stride;
            if (term->left.numbers != TENON_NUMBERS_OWN) {
                for (size_t i = 0; i < of.rows; i++) {
                    widen_run(term->left.numbers, place_of(term->left, i, k), depth, scratch->widened + i * depth);
                }
                left = scratch->widened;
                left_stride = depth;
            }
            // Panels are as even as can be, so that none is a single vector.
            for (size_t v = 0, vectors; v < all; v += vectors) {
                const size_t groups = (all - v + VECTORS - 1) / VECTORS;
                vectors = (all - v + groups - 1) / groups;
                const size_t column = v * LANES, rest = of.columns - column;
                const size_t width = rest < vectors * LANES ? rest : vectors * LANES;
                panel_product(&of, term, left, left_stride, k, depth, column, width, scratch);
            }
            of.from = of.to;
            of.from_stride = of.to_stride;
        }
    }
}

/// The operand that begins at a row of the left factor or a column of the right one.
TENON_INLINE tenon_operand moved(tenon_operand of, size_t place, bool is_left) {
    of.start = is_left != (of.is_transposed != 0) ? place_of(of, place, 0) : place_of(of, 0, place);
    return of;
}

/// So many terms at most: an adapted linear has two, or one for each adapter.
enum { MOST_TERMS = 16 };

static void learning_multiply(
    const tenon_term *terms, size_t count, tenon_matrix start, tenon_matrix c, tenon_range rows, tenon_range columns,
    void *scratch) {
    tenon_term here[MOST_TERMS];
    for (size_t t = 0; t < count; t++) {
        here[t] = terms[t];
        here[t].left = moved(terms[t].left, rows.from, true);
        here[t].right = moved(terms[t].right, columns.from, false);
    }
    const product_block block = {
        .from = start.start == NULL ? zeros : ROW(start, rows.from) + columns.from,
        .from_stride = start.start == NULL ? 0 : start.stride,
        .to = ROW(c, rows.from) + columns.from,
        .to_stride = c.stride,
        .rows = rows.to - rows.from,
        .columns = columns.to - columns.from};
    product(block, here, count, scratch);
}
