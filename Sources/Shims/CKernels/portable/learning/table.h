// All functions, compiled for REAL, and the table TABLE of them.
#include "real.h"

#include "operands.h"

#include "panels.h"

#include "tiles.h"

#include "blocks.h"

#include "narrow.h"

#include "product.h"

#include "norms.h"

#include "activations.h"

#include "elements.h"

#include "attention.h"

#include "scores.h"

const tenon_learning TABLE = {
    .scratch_bytes = sizeof(learning_scratch),
    .multiply = learning_multiply,
    .widen = learning_widen,
    .rms_norm = learning_rms_norm,
    .rms_norm_backward = learning_rms_norm_backward,
    .rms_norm_weight = learning_rms_norm_weight,
    .layer_norm = learning_layer_norm,
    .layer_norm_backward = learning_layer_norm_backward,
    .layer_norm_weight = learning_layer_norm_weight,
    .rotate = learning_rotate,
    .swiglu = learning_swiglu,
    .swiglu_backward = learning_swiglu_backward,
    .gelu = learning_gelu,
    .gelu_backward = learning_gelu_backward,
    .attention = learning_attention,
    .attention_backward = learning_attention_backward,
    .scores = learning_scores,
    .likelihood = learning_likelihood,
    .scores_backward = learning_scores_backward,
    .embed = learning_embed,
    .embed_backward = learning_embed_backward,
    .add = learning_add,
    .scale = learning_scale,
    .scale_columns = learning_scale_columns,
    .scale_rows = learning_scale_rows,
    .column_sums = learning_column_sums,
    .column_sums_of_products = learning_column_sums_of_products,
    .row_squares = learning_row_squares,
    .squared_norm = learning_squared_norm,
    .dropout = learning_dropout,
    .adamw = learning_adamw,
};
