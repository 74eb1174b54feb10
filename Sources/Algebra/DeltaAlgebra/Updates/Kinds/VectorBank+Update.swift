import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// VB-LoRA: ΔW = B·A, every piece of both Σ_j softmax(top k of its logits)_j·bank[j].
    static let vectorBank = UpdateBuilder { context throws(Failure) in
        let isStored = context.entry[.logitsA] == nil
        let a = try context.source(isStored ? .indicesA : .logitsA).shape.dimensions
        let b = try context.source(isStored ? .indicesB : .logitsB).shape.dimensions
        guard a.count == 3, b.count == 3 else {
            throw Failure(.kindShape, "the choices of a vector-bank entry have not three dimensions")
        }
        let length = try context.integer("vector_length", default: 256)
        let layout = try context.layout(out: try context.product(b[0], length), in: try context.product(a[1], length))
        let scale = Float(context.weight)
        if scale == 0 { return [] }
        return [
            context.planned(layout, .sum) { () throws(Failure) in
                let bank = try context.shared.bank()
                guard bank.columns == length else {
                    throw Failure(
                        .kindShape, "the bank's vectors have another length than the config says",
                        expected: "\(length)", actual: "\(bank.columns)")
                }
                let choicesA = try isStored ? stored(context, .indicesA, .weightsA) : chosen(context, .logitsA)
                let choicesB = try isStored ? stored(context, .indicesB, .weightsB) : chosen(context, .logitsB)
                let pieces = try choicesB.map { choice throws(Failure) in try piece(choice, bank) }
                // B lies piece by piece: [out/b, r, b].
                var factorB = Matrix(
                    rows: layout.out, columns: b[1], [Float](repeating: 0, count: layout.out * b[1]))
                for (index, piece) in pieces.enumerated() {
                    for (place, value) in piece.enumerated() {
                        factorB[index / b[1] * length + place, index % b[1]] = value
                    }
                }
                var values: [Float] = []
                for choice in choicesA { values += try piece(choice, bank) }
                return .sum(
                    LowRank(
                        b: factorB, a: Matrix(rows: a[0], columns: layout.in, values), scale: scale, layout))
            }
        ]
    }

    /// A weighted choice of vectors.
    private typealias Choice = [(vector: Int, weight: Float)]

    /// The k largest logits of each piece, the earlier of equals first, and their softmax.
    private static func chosen(_ context: UpdateContext, _ role: Role) throws(Failure) -> [Choice] {
        let source = try context.source(role)
        let count = source.shape.dimensions[2]
        let top = try context.integer("topk", default: 2)
        guard top >= 1, top <= count else {
            throw Failure(.badParameter, "topk is out of range", expected: "1 to \(count)", actual: "\(top)")
        }
        let logits = try source.floats()
        return stride(from: 0, to: logits.count, by: count).map { start in
            let order = (0..<count).sorted { (logits[start + $0], -$0) > (logits[start + $1], -$1) }.prefix(top)
            let largest = Double(logits[start + order[0]])
            let powers = order.map { Elementary.exp(Double(logits[start + $0]) - largest) }
            let total = powers.reduce(0, +)
            return zip(order, powers).map { ($0, Float($1 / total)) }
        }
    }

    /// Stored places and weights, the last weight being what the others leave of one.
    private static func stored(
        _ context: UpdateContext, _ indices: Role, _ weights: Role
    ) throws(Failure) -> [Choice] {
        let places = try context.source(indices).places()
        let weights = try context.source(weights).floats()
        let top = try context.source(indices).shape.dimensions[2]
        return (0..<(places.count / top)).map { piece in
            let own = weights[(piece * (top - 1))..<((piece + 1) * (top - 1))]
            let all = Array(own) + [1 - own.reduce(0, +)]
            return zip(places[(piece * top)..<((piece + 1) * top)], all).map { ($0, $1) }
        }
    }

    private static func piece(_ choice: Choice, _ bank: Matrix) throws(Failure) -> [Float] {
        var sum = [Float](repeating: 0, count: bank.columns)
        for (vector, weight) in choice {
            guard vector < bank.rows else {
                throw Failure(
                    .kindShape, "a place is beyond the bank's vectors", expected: "below \(bank.rows)",
                    actual: "\(vector)")
            }
            for place in sum.indices { sum[place] = sum[place].addingProduct(weight, bank[vector, place]) }
        }
        return sum
    }
}
