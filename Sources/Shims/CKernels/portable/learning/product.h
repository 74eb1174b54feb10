// Products of any shape.

/// `to = from + Σ terms`, whose operands begin at the block.
static void product(product_block of, const tenon_term *terms, size_t count, product_scratch *scratch) {
    bool turns = of.columns <= NARROW && of.rows >= LANES && count > 0;
    for (size_t t = 0; t < count; t++) {
        turns &= terms[t].left.numbers == TENON_NUMBERS_OWN
            && (terms[t].right.is_transposed || terms[t].right.numbers == TENON_NUMBERS_OWN);
    }
    if (!turns) return straight_product(of, terms, count, scratch);
#if !IS_DOUBLE
    if (count == 1 && !terms->left.is_transposed) {
        for (size_t row = 0, rows; row < of.rows; row += rows) {
            rows = of.rows - row < MOST_WIDENED ? of.rows - row : MOST_WIDENED;
            const tenon_term part = {moved(terms->left, row, true), terms->right, terms->depth};
            product_block here = of;
            here.from += row * of.from_stride;
            here.to += row * of.to_stride;
            here.rows = rows;
            rows < PAIR ? straight_product(here, &part, 1, scratch) : narrow_product(here, &part, scratch);
            if (rows > PAIR) rows = rows / PAIR * PAIR;
        }
        return;
    }
#endif
    turned_product(of, terms, count, scratch);
}

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
