import Diagnostics
import Tensors

/// Kinds that act on what flows through the model.
extension KindRule {
    /// Keys and values of n virtual tokens in every layer: [n, layers·2·d].
    static let prefix = KindRule(required: [.value]) { tensors, _ throws(Failure) in
        let value = try tensors.matrix(.value)
        guard value.columns % 2 == 0 else { throw tensors.fail("the columns are not halved by keys and values") }
    }

    /// Embeddings of virtual tokens [n, d]; per task columns [tasks, n, ranks] and rows [tasks, ranks, d].
    static let prompt = KindRule(
        required: [.value], optional: [.taskRows, .taskColumns]
    ) { tensors, _ throws(Failure) in
        let width = try tensors.matrix(.value).columns
        guard tensors[.taskRows] != nil || tensors[.taskColumns] != nil else { return }
        let rows = try tensors.dimensions(.taskRows, rank: 3)
        let columns = try tensors.dimensions(.taskColumns, rank: 3)
        try tensors.expectEqual(rows[0], columns[0], "the number of tasks")
        try tensors.expectEqual(rows[1], columns[2], "the rank of tasks")
        try tensors.expectEqual(rows[2], width, "the width of embeddings")
    }

    /// A prompt for the attention of one layer [1, n, d] and its gate [1].
    static let gatedPrompt = KindRule(required: [.value, .gate]) { tensors, _ throws(Failure) in
        guard try tensors.dimensions(.value, rank: 3)[0] <= 1 else { throw tensors.fail("the prompt is not one") }
        try tensors.expect(.gate, [1])
    }

    /// h + up(f(down(h))): A [b, d] goes down, B [d, b] up.
    static let bottleneck = KindRule(
        required: [.a, .b], optional: [.bias, .gate, .scale]
    ) { tensors, _ throws(Failure) in
        let down = try tensors.matrix(.a)
        let up = try tensors.matrix(.b)
        try tensors.expectEqual(down.rows, up.columns, "the bottleneck's width")
    }
}
