// Cross-entropy of a chunk of tokens over a large vocabulary. Scores lie with the vocabulary down and tokens across: the
// head is read as it lies, and what is done along the vocabulary is a chain for each token.

enum { TOKENS = TENON_SCORE_TOKENS, BLOCK = TENON_SCORE_BLOCK };

TENON_INLINE tenon_range vocabulary_of(const tenon_scores *of, size_t block) {
    const size_t from = block * BLOCK, rest = of->scores.rows - from;
    return (tenon_range){from, from + (rest < BLOCK ? rest : BLOCK)};
}

static void learning_scores(
    const tenon_scores *of, tenon_operand head, tenon_matrix bias, tenon_matrix x, size_t block, void *memory) {
    learning_scratch *scratch = memory;
    const tenon_range words = vocabulary_of(of, block);
    const size_t tokens = x.rows, count = words.to - words.from;
    head.start = place_of(head, words.from, 0);
    REAL *first = ROW(of->scores, words.from);
    one_product(
        head, operand(x.start, x.stride, true), x.columns, first, of->scores.stride, count, tokens, false,
        &scratch->products);
    for (size_t w = 0; w < count && bias.start != NULL; w++) {
        REAL *row = first + w * of->scores.stride;
        const REAL own = ROW(bias, 0)[words.from + w];
        for (size_t t = 0; t < tokens; t++) row[t] += own;
    }
    REAL highest[TOKENS], sum[TOKENS] = {0};
    int32_t place[TOKENS] = {0};
    memcpy(highest, first, tokens * sizeof(REAL));
    for (size_t w = 1; w < count; w++) {
        const REAL *row = first + w * of->scores.stride;
        for (size_t t = 0; t < tokens; t++) {
            place[t] = row[t] > highest[t] ? (int32_t)w : place[t];
            highest[t] = larger(row[t], highest[t]);
        }
    }
    for (size_t t = 0; t < tokens; t++) {
        const size_t label = (size_t)of->labels[t];
        place[t] += (int32_t)words.from;
        if (label >= words.from && label < words.to) ((REAL *)of->labeled)[t] = ROW(of->scores, label)[t];
    }
    for (size_t w = 0; w < count; w++) {
        REAL *row = first + w * of->scores.stride;
        for (size_t t = 0; t < tokens; t++) {
            row[t] = exponential(row[t] - highest[t]);
            sum[t] += row[t];
        }
    }
    memcpy((REAL *)of->highest + block * TOKENS, highest, tokens * sizeof(REAL));
    memcpy(of->place + block * TOKENS, place, tokens * sizeof(int32_t));
    memcpy((REAL *)of->sum + block * TOKENS, sum, tokens * sizeof(REAL));
}

static void learning_likelihood(const tenon_scores *of, double scale, double *loss, bool *right) {
    const size_t blocks = (of->scores.rows + BLOCK - 1) / BLOCK;
    REAL *highest = of->highest, *sum = of->sum;
    for (size_t t = 0; t < of->scores.columns; t++) {
        size_t best = 0;
        for (size_t b = 1; b < blocks; b++) {
            if (highest[b * TOKENS + t] > highest[best * TOKENS + t]) best = b;
        }
        const double top = highest[best * TOKENS + t];
        double total = 0;
        for (size_t b = 0; b < blocks; b++) total += exp(highest[b * TOKENS + t] - top) * sum[b * TOKENS + t];
        *loss += log(total) + (top - ((REAL *)of->labeled)[t]);
        right[t] = of->place[best * TOKENS + t] == of->labels[t];
        for (size_t b = 0; b < blocks; b++) {
            highest[b * TOKENS + t] = (REAL)(scale * exp(highest[b * TOKENS + t] - top) / total);
        }
    }
}

static void learning_scores_backward(const tenon_scores *of, double scale, size_t block) {
    const tenon_range words = vocabulary_of(of, block);
    const size_t tokens = of->scores.columns;
    const REAL *factors = (REAL *)of->highest + block * TOKENS;
    EACH_ROW(words, w) {
        REAL *row = ROW(of->scores, w);
        for (size_t t = 0; t < tokens; t++) row[t] *= factors[t];
    }
    for (size_t t = 0; t < tokens; t++) {
        const size_t label = (size_t)of->labels[t];
        if (label >= words.from && label < words.to) ROW(of->scores, label)[t] -= (REAL)scale;
    }
}
