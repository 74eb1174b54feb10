// Rows added, scaled, looked up, dropped and stepped.

static void learning_add(tenon_matrix x, tenon_matrix y, tenon_range rows) {
    EACH_ROW(rows, t) {
        const REAL *in = ROW(x, t);
        REAL *out = ROW(y, t);
        for (size_t j = 0; j < x.columns; j++) out[j] += in[j];
    }
}

static void learning_scale(tenon_matrix x, double factor, tenon_range rows) {
    EACH_ROW(rows, t) {
        REAL *out = ROW(x, t);
        for (size_t j = 0; j < x.columns; j++) out[j] *= (REAL)factor;
    }
}

static void learning_scale_columns(tenon_matrix x, tenon_matrix row, tenon_matrix y, tenon_range rows) {
    const REAL *factors = row.start;
    EACH_ROW(rows, t) {
        const REAL *in = ROW(x, t);
        REAL *out = ROW(y, t);
        // Of pointers that may be the same the compiler would take one element at a time.
        if (out == in) {
            for (size_t j = 0; j < x.columns; j++) out[j] *= factors[j];
        } else {
            for (size_t j = 0; j < x.columns; j++) out[j] = in[j] * factors[j];
        }
    }
}

static void learning_scale_rows(tenon_matrix x, tenon_matrix column, tenon_matrix y, tenon_range rows) {
    EACH_ROW(rows, t) {
        const REAL *in = ROW(x, t), factor = ROW(column, t)[0];
        REAL *out = ROW(y, t);
        if (out == in) {
            for (size_t j = 0; j < x.columns; j++) out[j] *= factor;
        } else {
            for (size_t j = 0; j < x.columns; j++) out[j] = in[j] * factor;
        }
    }
}

// MARK: Embedding

static void learning_embed(const int32_t *tokens, tenon_operand table, tenon_matrix x, tenon_range rows) {
    EACH_ROW(rows, t) widen_run(table.numbers, place_of(table, (size_t)tokens[t], 0), x.columns, ROW(x, t));
}

static void
learning_embed_backward(const int32_t *tokens, tenon_matrix dx, tenon_matrix gradient, tenon_range columns) {
    for (size_t t = 0; t < dx.rows; t++) {
        const REAL *in = ROW(dx, t);
        REAL *out = ROW(gradient, (size_t)tokens[t]);
        for (size_t j = columns.from; j < columns.to; j++) out[j] += in[j];
    }
}

// MARK: Dropout

/// SplitMix64's finalizer (Steele, Lea and Flood, 2014).
TENON_INLINE uint64_t mixed(uint64_t value) {
    uint64_t bits = value + 0x9e3779b97f4a7c15u;
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
    return bits ^ bits >> 31;
}

static void learning_dropout(
    tenon_matrix x, double rate, uint64_t key, uint64_t first, tenon_matrix y, tenon_range rows) {
    const uint64_t least = (uint64_t)(rate * 0x1p24);
    const REAL factor = (REAL)(1 / (1 - rate));
    EACH_ROW(rows, t) {
        const REAL *in = ROW(x, t);
        REAL *out = ROW(y, t);
        const uint64_t place = first + t * x.columns;
        for (size_t j = 0; j < x.columns; j++) {
            const uint64_t draw = mixed(key + (place + j) * 0x9e3779b97f4a7c15u) >> 40;
            out[j] = draw >= least ? in[j] * factor : 0;
        }
    }
}

// MARK: AdamW

static void learning_adamw(
    tenon_matrix parameter, tenon_matrix gradient, tenon_matrix first, tenon_matrix second,
    const tenon_adamw *options, tenon_range rows) {
    const REAL decay = (REAL)(1 - options->rate * options->weight_decay);
    const REAL first_share = (REAL)(1 - options->first_decay);
    const REAL second_decay = (REAL)options->second_decay, second_share = (REAL)(1 - options->second_decay);
    const REAL correction = (REAL)sqrt(options->second_correction), epsilon = (REAL)options->epsilon;
    const REAL step = (REAL)(options->rate / options->first_correction);
    EACH_ROW(rows, t) {
        REAL *restrict p = ROW(parameter, t), *restrict m = ROW(first, t), *restrict v = ROW(second, t);
        const REAL *restrict g = ROW(gradient, t);
        for (size_t j = 0; j < parameter.columns; j++) {
            m[j] = fused(first_share, g[j] - m[j], m[j]);
            v[j] = fused(second_share * g[j], g[j], second_decay * v[j]);
            const REAL size = root(v[j]) / correction + epsilon;
            p[j] = fused(-step, m[j] / size, p[j] * decay);
        }
    }
}
