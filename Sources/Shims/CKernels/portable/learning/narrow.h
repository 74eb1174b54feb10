// Blocks of few columns, which would leave vectors half empty: here rows run across vectors.

#if !IS_DOUBLE

/// Adds to two vectors of rows of each of NARROW columns, [columns, PAIR], over part of the depth: the left factor is turned
/// in registers.
static void narrow_pair(
    const float *left, size_t stride, const float *right, size_t right_step, size_t depth, float *part) {
    vector sums[NARROW][2];
    UNROLLED for (size_t j = 0; j < NARROW; j++) {
        UNROLLED for (size_t v = 0; v < 2; v++) sums[j][v] = load(part + j * PAIR + v * LANES);
    }
    size_t k = 0;
    for (; depth - k >= 4; k += 4) {
        vector rows[2][4];
        UNROLLED for (size_t v = 0; v < 2; v++) turn_four(left + v * LANES * stride + k, stride, rows[v]);
        UNROLLED for (size_t q = 0; q < 4; q++) {
            UNROLLED for (size_t j = 0; j < NARROW; j++) {
                const vector factor = right[(k + q) * right_step + j];
                UNROLLED for (size_t v = 0; v < 2; v++) {
                    sums[j][v] = __builtin_elementwise_fma(rows[v][q], factor, sums[j][v]);
                }
            }
        }
    }
    UNROLLED for (size_t j = 0; j < NARROW; j++) {
        UNROLLED for (size_t v = 0; v < 2; v++) store(sums[j][v], part + j * PAIR + v * LANES);
    }
    for (; k < depth; k++) {
        for (size_t j = 0; j < NARROW; j++) {
            const float factor = right[k * right_step + j];
            for (size_t i = 0; i < PAIR; i++) part[j * PAIR + i] = fused(left[i * stride + k], factor, part[j * PAIR + i]);
        }
    }
}

/// Two vectors of rows of few columns of one term.
static void narrow_product(product_block of, const tenon_term *term, product_scratch *scratch) {
    const float *left = term->left.start;
    float *parts = scratch->widened;
    const size_t pairs = of.rows / PAIR, stride = term->left.stride;
    for (size_t p = 0; p < pairs; p++) {
        for (size_t i = 0; i < PAIR; i++) {
            const float *from = of.from + (p * PAIR + i) * of.from_stride;
            for (size_t j = 0; j < NARROW; j++) parts[(p * NARROW + j) * PAIR + i] = j < of.columns ? from[j] : 0;
        }
    }
    // A panel has room for so much of one vector; rows that are read on without a break come sooner.
    const size_t most = term->right.numbers == TENON_NUMBERS_OWN ? MOST_DEPTH * VECTORS : MOST_DEPTH;
    for (size_t k = 0; k < term->depth; k += most) {
        const size_t depth = term->depth - k < most ? term->depth - k : most;
        if (term->right.is_transposed) {
            fill_turned(term->right, place_of(term->right, 0, k), of.columns, depth, 1, scratch);
        } else {
            fill(term->right, place_of(term->right, k, 0), of.columns, depth, 1, scratch);
        }
        for (size_t p = 0; p < pairs; p++) {
            narrow_pair(
                left + p * PAIR * stride + k, stride, scratch->panel, LANES, depth, parts + p * NARROW * PAIR);
        }
    }
    for (size_t p = 0; p < pairs; p++) {
        for (size_t i = 0; i < PAIR; i++) {
            float *to = of.to + (p * PAIR + i) * of.to_stride;
            for (size_t j = 0; j < of.columns; j++) to[j] = parts[(p * NARROW + j) * PAIR + i];
        }
    }
}

#endif

/// A block of so few columns that they would not fill a vector: its transpose instead, a panel of rows at a time.
static void
turned_product(product_block of, const tenon_term *terms, size_t count, product_scratch *scratch) {
    tenon_term turned[MOST_TERMS];
    REAL part[NARROW * PANEL] __attribute__((aligned(64)));
    for (size_t row = 0; row < of.rows; row += PANEL) {
        const size_t width = of.rows - row < PANEL ? of.rows - row : PANEL;
        for (size_t t = 0; t < count; t++) {
            turned[t] = (tenon_term){terms[t].right, moved(terms[t].left, row, true), terms[t].depth};
            turned[t].left.is_transposed = !terms[t].right.is_transposed;
            turned[t].right.is_transposed = !terms[t].left.is_transposed;
        }
        for (size_t i = 0; i < width; i++) {
            const REAL *from = of.from + (row + i) * of.from_stride;
            for (size_t j = 0; j < of.columns; j++) part[j * PANEL + i] = from[j];
        }
        const product_block block = {
            .from = part, .from_stride = PANEL, .to = part, .to_stride = PANEL, .rows = of.columns, .columns = width};
        straight_product(block, turned, count, scratch);
        for (size_t i = 0; i < width; i++) {
            REAL *to = of.to + (row + i) * of.to_stride;
            for (size_t j = 0; j < of.columns; j++) to[j] = part[j * PANEL + i];
        }
    }
}
