// Norms of rows. A row's statistics are sums along it; gradients of weights are chains down each column.

// MARK: Down columns

/// So many columns go down at once.
enum { COLUMNS_AT_ONCE = 64 };

/// Adds to each of `columns` of `sums`, a row, the values of a fused or plain addition for all rows in turn: `term`, an
/// expression in the row `t`, the column `j` and the chain `sum`.
#define ADD_DOWN(height, sums, columns, t, j, sum, term)                                                              \
    for (size_t from = (columns).from; from < (columns).to; from += COLUMNS_AT_ONCE) {                                \
        const size_t rest = (columns).to - from, width = rest < COLUMNS_AT_ONCE ? rest : COLUMNS_AT_ONCE;             \
        REAL chains[COLUMNS_AT_ONCE];                                                                                 \
        memcpy(chains, ROW(sums, 0) + from, width * sizeof(REAL));                                                    \
        for (size_t t = 0; t < (height); t++) {                                                                       \
            for (size_t place = 0; place < width; place++) {                                                          \
                const size_t j = from + place;                                                                        \
                const REAL sum = chains[place];                                                                       \
                chains[place] = (term);                                                                               \
            }                                                                                                         \
        }                                                                                                             \
        memcpy(ROW(sums, 0) + from, chains, width * sizeof(REAL));                                                    \
    }

static void learning_column_sums(tenon_matrix g, tenon_matrix row, tenon_range columns) {
    ADD_DOWN(g.rows, row, columns, t, j, sum, sum + ROW(g, t)[j]);
}

static void
learning_column_sums_of_products(tenon_matrix g, tenon_matrix y, tenon_matrix row, tenon_range columns) {
    ADD_DOWN(g.rows, row, columns, t, j, sum, fused(ROW(g, t)[j], ROW(y, t)[j], sum));
}

// MARK: RMS

static void learning_rms_norm(
    tenon_matrix x, tenon_matrix weight, double epsilon, tenon_matrix y, tenon_matrix inverse, tenon_range rows) {
    const REAL *w = weight.start;
    EACH_ROW(rows, t) {
        const REAL *in = ROW(x, t);
        REAL *out = ROW(y, t), squares;
        SUM_ALONG(squares, x.columns, j, sum, fused(in[j], in[j], sum));
        const REAL factor = 1 / root(squares / (REAL)x.columns + (REAL)epsilon);
        ROW(inverse, t)[0] = factor;
        for (size_t j = 0; j < x.columns; j++) out[j] = w[j] * (in[j] * factor);
    }
}

static void learning_rms_norm_backward(
    tenon_matrix x, tenon_matrix weight, tenon_matrix inverse, tenon_matrix dy, tenon_matrix dx, tenon_range rows) {
    const REAL *w = weight.start;
    EACH_ROW(rows, t) {
        const REAL *in = ROW(x, t), *g = ROW(dy, t);
        REAL *out = ROW(dx, t), dot;
        const REAL factor = ROW(inverse, t)[0];
        SUM_ALONG(dot, x.columns, j, sum, fused(g[j] * w[j], in[j], sum));
        const REAL back = factor * factor * (dot / (REAL)x.columns);
        for (size_t j = 0; j < x.columns; j++) out[j] = fused(factor, fused(-back, in[j], g[j] * w[j]), out[j]);
    }
}

static void learning_rms_norm_weight(
    tenon_matrix x, tenon_matrix inverse, tenon_matrix dy, tenon_matrix gradient, tenon_range columns) {
    ADD_DOWN(
        x.rows, gradient, columns, t, j, sum, fused(ROW(dy, t)[j], ROW(x, t)[j] * ROW(inverse, t)[0], sum));
}

// MARK: Mean and variance

static void learning_layer_norm(
    tenon_matrix x, tenon_matrix weight, tenon_matrix bias, double epsilon, tenon_matrix y, tenon_matrix mean,
    tenon_matrix inverse, tenon_range rows) {
    const REAL *w = weight.start, *b = bias.start;
    EACH_ROW(rows, t) {
        const REAL *in = ROW(x, t);
        REAL *out = ROW(y, t), total, squares;
        SUM_ALONG(total, x.columns, j, sum, sum + in[j]);
        const REAL middle = total / (REAL)x.columns;
        SUM_ALONG(squares, x.columns, j, sum, fused(in[j] - middle, in[j] - middle, sum));
        const REAL factor = 1 / root(squares / (REAL)x.columns + (REAL)epsilon);
        ROW(mean, t)[0] = middle;
        ROW(inverse, t)[0] = factor;
        for (size_t j = 0; j < x.columns; j++) out[j] = fused(w[j], (in[j] - middle) * factor, b[j]);
    }
}

static void learning_layer_norm_backward(
    tenon_matrix x, tenon_matrix weight, tenon_matrix mean, tenon_matrix inverse, tenon_matrix dy, tenon_matrix dx,
    tenon_range rows) {
    const REAL *w = weight.start;
    EACH_ROW(rows, t) {
        const REAL *in = ROW(x, t), *g = ROW(dy, t);
        REAL *out = ROW(dx, t), total, dot;
        const REAL middle = ROW(mean, t)[0], factor = ROW(inverse, t)[0], count = (REAL)x.columns;
        SUM_ALONG(total, x.columns, j, sum, fused(g[j], w[j], sum));
        SUM_ALONG(dot, x.columns, j, sum, fused(g[j] * w[j], (in[j] - middle) * factor, sum));
        const REAL level = total / count, slope = dot / count;
        for (size_t j = 0; j < x.columns; j++) {
            const REAL normal = (in[j] - middle) * factor;
            out[j] = fused(factor, fused(-slope, normal, g[j] * w[j] - level), out[j]);
        }
    }
}

static void learning_layer_norm_weight(
    tenon_matrix x, tenon_matrix mean, tenon_matrix inverse, tenon_matrix dy, tenon_matrix gradient,
    tenon_range columns) {
    ADD_DOWN(
        x.rows, gradient, columns, t, j, sum,
        fused(ROW(dy, t)[j], (ROW(x, t)[j] - ROW(mean, t)[0]) * ROW(inverse, t)[0], sum));
}

// MARK: Squares

static void learning_row_squares(
    tenon_operand x, size_t columns, tenon_matrix column, tenon_range rows, void *scratch) {
    REAL *values = ((product_scratch *)scratch)->strip;
    EACH_ROW(rows, t) {
        double chains[CHAINS] = {0}, total = 0;
        for (size_t from = 0; from < columns; from += MOST_DEPTH) {
            const size_t width = columns - from < MOST_DEPTH ? columns - from : MOST_DEPTH;
            widen_run(x.numbers, place_of(x, t, from), width, values);
            for (size_t j = 0; j < width; j++) chains[j % CHAINS] += (double)values[j] * (double)values[j];
        }
        for (size_t lane = 0; lane < CHAINS; lane++) total += chains[lane];
        ROW(column, t)[0] = (REAL)total;
    }
}

static double learning_squared_norm(tenon_matrix x, tenon_range rows) {
    double chains[CHAINS] = {0}, total = 0;
    EACH_ROW(rows, t) {
        const REAL *in = ROW(x, t);
        const size_t whole = x.columns / CHAINS * CHAINS;
        for (size_t j = 0; j < whole; j += CHAINS) {
            for (size_t lane = 0; lane < CHAINS; lane++) chains[lane] += (double)in[j + lane] * (double)in[j + lane];
        }
        for (size_t j = whole; j < x.columns; j++) chains[j - whole] += (double)in[j] * (double)in[j];
    }
    for (size_t lane = 0; lane < CHAINS; lane++) total += chains[lane];
    return total;
}
