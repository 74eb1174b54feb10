import Diagnostics
import Tensors

/// Kinds that are a product of thin matrices.
extension KindRule {
    /// How the factors of a `lora` entry lie: parameter `form`, absent for a linear layer or a convolution.
    ///
    /// - `embedding`: ΔW = s·(B·A)ᵀ, A [r, rows], B [columns, r];
    /// - `parameter`: a stack of E matrices, A [r·E, in] with the stack outermost, B [out, r·E] with it innermost;
    /// - `blocks`: A or B is block-diagonal and holds its blocks side by side.
    static let loraForms = ["linear", "embedding", "parameter", "blocks"]

    /// ΔW = s·B·A, or s·B·diag(λ)·A: A [r, in, k…], B [out, r, 1…], magnitude and bias [out], λ [r].
    static let lora = KindRule(
        required: [.a, .b], optional: [.magnitude, .bias, .lambda]
    ) { tensors, parameters throws(Failure) in
        let form = try tensors.word("form", loraForms, standard: "linear", parameters)
        let rank = max(2, try tensors.dimensions(.a).count, try tensors.dimensions(.b).count)
        let a = try tensors.dimensions(.a, rank: rank)
        let b = try tensors.dimensions(.b, rank: rank)
        // Grouped convolutions and block-diagonal factors hold a part of the columns of B.
        if rank > 2 || form == "blocks" {
            guard b[1] == 0 || a[0] % b[1] == 0 else { throw tensors.fail("the rank of A is no multiple of that of B") }
        } else {
            try tensors.expectEqual(a[0], b[1], "rank")
        }
        if tensors[.magnitude] != nil {
            try tensors.expectEqual(b[0], try tensors.count(.magnitude), "the number of outputs")
        }
        try tensors.expect(.bias, [b[0]])
        try tensors.expect(.lambda, [a[0]])
    }

    /// ΔW = s·B·(E ⊙ A): A [r, in], B [out, r], E [r, 1].
    static let adalora = KindRule(required: [.a, .b, .e]) { tensors, _ throws(Failure) in
        let a = try tensors.matrix(.a)
        try tensors.expectEqual(a.rows, try tensors.matrix(.b).columns, "rank")
        try tensors.expect(.e, [a.rows, 1])
    }

    /// ΔW = (b ⊙ B)·(d ⊙ A) with A and B of the `shared` entry: lambda_b [out], lambda_d [r].
    static let vera = KindRule(required: [.lambdaB, .lambdaD]) { tensors, _ throws(Failure) in
        _ = try tensors.dimensions(.lambdaB, rank: 1)
        _ = try tensors.dimensions(.lambdaD, rank: 1)
    }

    /// ΔW = (w1_a·w1_b) ⊙ (w2_a·w2_b): w_a [out, r], w_b [r, in]; with cores t [r, r, k…], w_a [r, out], w_b [r, in].
    static let hadamard = KindRule(
        required: [.w1A, .w1B, .w2A, .w2B], optional: [.t1, .t2]
    ) { tensors, _ throws(Failure) in
        for (wA, wB, core) in [(Role.w1A, Role.w1B, Role.t1), (.w2A, .w2B, .t2)] {
            let a = try tensors.matrix(wA)
            let b = try tensors.matrix(wB)
            if tensors[core] != nil {
                let core = try tensors.dimensions(core, rank: 3, orMore: true)
                try tensors.expectEqual(core[0], a.rows, "rank")
                try tensors.expectEqual(core[1], b.rows, "rank")
            } else {
                try tensors.expectEqual(a.columns, b.rows, "rank")
            }
        }
        guard (tensors[.t1] == nil) == (tensors[.t2] == nil) else { throw tensors.fail("one core of two is missing") }
        let out = tensors[.t1] == nil ? 0 : 1
        try tensors.expectEqual(
            try tensors.dimensions(.w1A, rank: 2)[out], try tensors.dimensions(.w2A, rank: 2)[out],
            "the number of outputs")
        try tensors.expectEqual(
            try tensors.matrix(.w1B).columns, try tensors.matrix(.w2B).columns, "the number of inputs")
    }

    /// ΔW = w1 ⊗ w2, each whole or a product w_a·w_b (w2 of a convolution also through a core t2).
    static let kronecker = KindRule(
        required: [], optional: [.w1, .w1A, .w1B, .w2, .w2A, .w2B, .t2]
    ) { tensors, _ throws(Failure) in
        for (whole, wA, wB) in [(Role.w1, Role.w1A, Role.w1B), (.w2, .w2A, .w2B)] {
            guard (tensors[whole] == nil) == (tensors[wA] != nil), (tensors[wA] == nil) == (tensors[wB] == nil) else {
                throw tensors.fail("\(whole.word) must be there either whole or as two factors")
            }
            if tensors[whole] != nil {
                _ = try tensors.dimensions(whole, rank: 2, orMore: true)
                continue
            }
            let a = try tensors.matrix(wA)
            let b = try tensors.matrix(wB)
            if wA == .w2A, tensors[.t2] != nil {
                let core = try tensors.dimensions(.t2, rank: 3, orMore: true)
                try tensors.expectEqual(core[0], a.rows, "rank")
                try tensors.expectEqual(core[1], b.rows, "rank")
            } else {
                try tensors.expectEqual(a.columns, b.rows, "rank")
            }
        }
        guard tensors[.t2] == nil || tensors[.w2A] != nil else { throw tensors.fail("a core stands without factors") }
    }

    /// Pieces of A and B as sums over the bank of the `shared` entry: logits_a [r, in/b, h] and logits_b [out/b, r, h], or
    /// places [.., k] and weights [.., k − 1].
    static let vectorBank = KindRule(
        required: [], optional: [.logitsA, .logitsB, .indicesA, .indicesB, .weightsA, .weightsB]
    ) { tensors, _ throws(Failure) in
        if tensors[.logitsA] != nil || tensors[.logitsB] != nil {
            guard tensors.factors.count == 2 else { throw tensors.fail("logits stand beside places and weights") }
            let a = try tensors.dimensions(.logitsA, rank: 3)
            let b = try tensors.dimensions(.logitsB, rank: 3)
            try tensors.expectEqual(a[0], b[1], "rank")
            try tensors.expectEqual(a[2], b[2], "the number of vectors")
            return
        }
        for (indices, weights) in [(Role.indicesA, Role.weightsA), (.indicesB, .weightsB)] {
            let places = try tensors.dimensions(indices, rank: 3)
            try tensors.expect(indices, [.u8, .u16, .u32, .i16, .i32, .i64, .u64])
            // A choice of one vector has no weights: 0 of them is a number here, not a free side.
            let weights = try tensors.dimensions(weights, rank: 3)
            guard EntryTensors.fit(weights[0], places[0]), EntryTensors.fit(weights[1], places[1]),
                weights[2] == 0 || places[2] == 0 || weights[2] == places[2] - 1
            else { throw tensors.fail("places and weights have different shapes") }
        }
        try tensors.expectEqual(
            try tensors.dimensions(.indicesA, rank: 3)[0], try tensors.dimensions(.indicesB, rank: 3)[1], "rank")
    }

    /// ΔW = Σ B_j·diag(λ_j)·A·diag(γ_j): lambda [r, n], gamma [n, min(in, out)]; A and B here or in the `shared` entry.
    static let randomBasis = KindRule(
        required: [.lambda, .gamma], optional: [.a, .b]
    ) { tensors, _ throws(Failure) in
        try tensors.expectEqual(
            try tensors.matrix(.lambda).columns, try tensors.matrix(.gamma).rows, "the number of bases")
    }
}
