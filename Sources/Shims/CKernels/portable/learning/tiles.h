// Tiles of a result, up to HEIGHT rows and VECTORS vectors, stay in registers while the depth goes by; elements of the left
// factor are broadcast, so it is read as it lies either way.

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
    vector sums[TALL][VECTORS];
    UNROLLED for (size_t i = 0; i < height; i++) {
        UNROLLED for (size_t v = 0; v < vectors; v++) sums[i][v] = load(of->from + i * of->from_stride + v * LANES);
    }
    const size_t row = by_rows ? of->left_row : 1, step = by_rows ? 1 : of->left_step;
    const REAL *left[TALL];
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

/// How many rows a tile has where so many are left.
TENON_INLINE size_t tile_height(size_t rows, size_t vectors) {
    if (vectors == 1 && rows >= TALL) return TALL;
    return rows >= HEIGHT ? HEIGHT : HEIGHT > 4 && rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
}

TENON_INLINE void tile_of_height(const tile_work *of, size_t height, const size_t vectors, const bool by_rows) {
    if (vectors == 1 && height == TALL) return tile(of, TALL, vectors, by_rows);
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
    REAL whole[TALL * PANEL] __attribute__((aligned(64))) = {0};
    REAL *to = of.to;
    for (size_t i = 0; i < height; i++) memcpy(whole + i * PANEL, of.from + i * of.from_stride, width * sizeof(REAL));
    of.from = of.to = whole;
    const size_t stride = of.to_stride;
    of.from_stride = of.to_stride = PANEL;
    any_tile(&of, height, vectors, by_rows);
    for (size_t i = 0; i < height; i++) memcpy(to + i * stride, whole + i * PANEL, width * sizeof(REAL));
}
