// Blocks of a result: for part of the depth, panels of the right factor one after the other, and all rows for each.

/// A block of the result: of its rows, and of the columns of one panel.
typedef struct {
    const REAL *from;
    size_t from_stride;
    REAL *to;
    size_t to_stride;
    size_t rows;
    size_t columns;
} product_block;

/// Part of the depth of a left factor, as tiles read it.
typedef struct {
    const REAL *start;
    size_t stride;
    bool by_rows;
} left_part;

/// All rows of one panel over part of a term's depth.
static void panel_product(
    const product_block *of, const tenon_term *term, left_part left, size_t k, size_t depth, size_t column,
    size_t width, product_scratch *scratch) {
    const size_t vectors = (width + LANES - 1) / LANES, span = vectors * LANES;
    const tenon_operand right = term->right;
    const bool is_whole = width == span;
    const bool lies_well = !right.is_transposed && right.numbers == TENON_NUMBERS_OWN && is_whole
        && (right.stride == span || of->rows <= FEW_ROWS);
    tile_work work = {
        .left = left.start, .left_row = left.stride, .left_step = left.stride, .right = scratch->panel, .right_step = span,
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
        height = tile_height(of->rows - i, vectors);
        work.left = left.start + i * (left.by_rows ? left.stride : 1);
        is_whole ? any_tile(&work, height, vectors, left.by_rows)
                 : narrow_tile(work, width, height, vectors, left.by_rows);
        work.from += height * work.from_stride;
        work.to += height * work.to_stride;
    }
}

/// A term's left factor from `k` on; other numbers are widened.
static left_part left_at(
    const product_block *of, const tenon_term *term, size_t k, size_t depth, product_scratch *scratch) {
    const tenon_operand left = term->left;
    if (left.is_transposed) return (left_part){place_of(left, k, 0), left.stride, false};
    if (left.numbers == TENON_NUMBERS_OWN) return (left_part){place_of(left, 0, k), left.stride, true};
    for (size_t i = 0; i < of->rows; i++) {
        widen_run(left.numbers, place_of(left, i, k), depth, scratch->widened + i * depth);
    }
    return (left_part){scratch->widened, depth, true};
}

/// `to = from + Σ terms`, whose operands begin at the block, as it lies.
static void straight_product(product_block of, const tenon_term *terms, size_t count, product_scratch *scratch) {
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
            const left_part left = left_at(&of, term, k, depth, scratch);
            // Panels are as even as can be, so that none is a single vector.
            for (size_t v = 0, vectors; v < all; v += vectors) {
                const size_t groups = (all - v + VECTORS - 1) / VECTORS;
                vectors = (all - v + groups - 1) / groups;
                const size_t column = v * LANES, rest = of.columns - column;
                const size_t width = rest < vectors * LANES ? rest : vectors * LANES;
                panel_product(&of, term, left, k, depth, column, width, scratch);
            }
            of.from = of.to;
            of.from_stride = of.to_stride;
        }
    }
}
