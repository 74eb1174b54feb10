import Diagnostics
import Tensors

/// Kinds that rotate, scale or repeat.
extension KindRule {
    /// W' = W·diag(R₁ … R_n)ᵀ: rotation [n, b(b−1)/2], the strict upper triangles of skew matrices.
    static let orthogonal = KindRule(required: [.rotation]) { tensors, _ throws(Failure) in
        let columns = try tensors.matrix(.rotation).columns
        guard columns == 0 || StrictTriangle.side(of: columns) != nil else {
            throw tensors.fail("a row of \(columns) elements is no strict triangle")
        }
    }

    /// Products of permuted rotations and a scale: rotation [m, blocks, b, b], scale [out, 1].
    static let butterfly = KindRule(required: [.rotation, .scale]) { tensors, _ throws(Failure) in
        let rotation = try tensors.dimensions(.rotation, rank: 4)
        try tensors.expectEqual(rotation[2], rotation[3], "the sides of a block")
        try tensors.expect(.scale, [try tensors.count(.scale), 1])
    }

    /// W' = W·Π (I − 2·u_i·u_iᵀ): u [in, r].
    static let householder = KindRule(required: [.u]) { tensors, _ throws(Failure) in
        _ = try tensors.matrix(.u)
    }

    /// The coefficients of a sparse spectrum [n] and, where they are not drawn from a seed, their places [n].
    static let spectrum = KindRule(required: [.spectrum], optional: [.indices]) { tensors, _ throws(Failure) in
        let count = try tensors.dimensions(.spectrum, rank: 1)[0]
        try tensors.expect(.indices, [count])
    }

    /// One block for all: [r, out] or [r, m], or one block per output shard [out/r, r, r].
    static let shards = KindRule(required: [.value]) { tensors, _ throws(Failure) in
        let value = try tensors.dimensions(.value, rank: 2, orMore: true)
        guard value.count == 2 || (value.count == 3 && EntryTensors.fit(value[1], value[2])) else {
            throw tensors.fail("the block has the wrong shape")
        }
    }

    /// W' = W ⊙ l: l has as many elements as its one side that is no 1.
    static let ia3 = KindRule(required: [.scale]) { tensors, _ throws(Failure) in
        let scale = try tensors.dimensions(.scale, rank: 2, orMore: true)
        guard scale.count(where: { $0 > 1 }) <= 1 else {
            throw tensors.fail("the vector has more than one side")
        }
    }
}

/// Strict upper triangles, of which a skew matrix needs only the elements.
enum StrictTriangle {
    /// The side b of the matrix whose strict triangle has `count` = b(b−1)/2 elements, if there is one.
    static func side(of count: Int) -> Int? {
        guard count > 0, count < 1 << 40 else { return nil }
        var low = 2
        var high = 1 << 21
        while low < high {
            let middle = (low + high) / 2
            if middle * (middle - 1) / 2 < count { low = middle + 1 } else { high = middle }
        }
        return low * (low - 1) / 2 == count ? low : nil
    }
}
