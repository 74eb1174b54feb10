import Adapters
import Diagnostics
import Tensors

/// A fused stack of experts whose matrices the checkpoint holds one by one: some model code joins them when it loads, and
/// adapters name what it has then.
struct SeparateExperts {
    /// Where one expert's tensors are, up to its number.
    private let stem: String
    /// The tensors of an expert that are one below the other in the fused matrix.
    private let parts: [String]
    private let stack: Int

    /// Fused names, and how the parts of each are spelled.
    private static let spellings: [String: [[String]]] = [
        "gate_up_proj": [["gate_proj", "up_proj"], ["w1", "w3"]],
        "down_proj": [["down_proj"], ["w2"]],
    ]

    /// The experts that factors of [out, in] are for, if the base has such.
    ///
    /// Throws ``Failure/Code/notMergeable`` where several parameters fit factors whose own the file does not name.
    init?(_ context: UpdateContext, out: Int, in inputs: Int) throws(Failure) {
        var found: [SeparateExperts] = []
        for (module, name) in Self.candidates(context) {
            for stem in [module, module.replacingSuffix("mlp.experts", by: "block_sparse_moe.experts")] {
                for parts in Self.spellings[name] ?? [] {
                    guard out % parts.count == 0,
                        context.base("\(stem).0.\(parts[0]).weight")?.shape == [out / parts.count, inputs],
                        !found.contains(where: { $0.stem == stem && $0.parts == parts })
                    else { continue }
                    var stack = 1
                    while context.base("\(stem).\(stack).\(parts[0]).weight") != nil { stack += 1 }
                    found.append(SeparateExperts(stem: stem, parts: parts, stack: stack))
                }
            }
        }
        guard let first = found.first else { return nil }
        guard found.count == 1 else {
            throw .notMergeable("its factors fit several parameters of the experts, and the file does not name theirs")
        }
        self = first
    }

    private init(stem: String, parts: [String], stack: Int) {
        self.stem = stem
        self.parts = parts
        self.stack = stack
    }

    /// The module and the fused parameters that an entry may be for.
    private static func candidates(_ context: UpdateContext) -> [(module: String, name: String)] {
        for name in spellings.keys where context.target.hasSuffix("." + name) {
            return [(String(context.target.dropLast(name.count + 1)), name)]
        }
        let paths = context.adapter.parameters["target_parameters"]?.strings ?? []
        return spellings.keys.filter { name in paths.contains { $0.hasSuffix("." + name) } }
            .map { (context.target, $0) }
    }

    /// An update for every part of every expert.
    func updates(_ context: UpdateContext) throws(Failure) -> [PlannedUpdate] {
        let a = try context.sides(.a)
        let b = try context.sides(.b)
        guard a.rows % stack == 0 else {
            throw Failure(
                .baseIncompatible, "the factors are not for so many experts", object: stem,
                expected: "a number that divides \(a.rows)", actual: "\(stack)")
        }
        let rank = a.rows / stack
        let height = b.rows / parts.count
        let scale = try UpdateBuilder.stackScale(context, stack)
        if context.weight == 0 { return [] }
        var updates: [PlannedUpdate] = []
        for expert in 0..<stack {
            for (index, part) in parts.enumerated() {
                let name = "\(stem).\(expert).\(part).weight"
                let tensor = try context.tensor(name)
                guard tensor.shape == [height, a.columns] else {
                    throw Failure(
                        .baseIncompatible, "the base's tensor is not of the shape that the adapter is for",
                        object: name, expected: "[\(height), \(a.columns)]", actual: "\(tensor.shape)")
                }
                let stack = stack
                updates.append(
                    context.planned(name, .sum, rows: height, columns: a.columns) { () throws(Failure) in
                        let start = index * height * b.columns
                        let rows = try context.source(.b).floats(start..<(start + height * b.columns))
                        var left = Matrix(rows: height, columns: rank, [Float](repeating: 0, count: height * rank))
                        for row in 0..<height {
                            for k in 0..<rank { left[row, k] = scale * rows[row * b.columns + k * stack + expert] }
                        }
                        let own = (expert * rank * a.columns)..<((expert + 1) * rank * a.columns)
                        let right = Matrix(rows: rank, columns: a.columns, try context.source(.a).floats(own))
                        return .sum(LowRank(left: left, right: right))
                    })
            }
        }
        return updates
    }
}

extension String {
    fileprivate func replacingSuffix(_ suffix: String, by other: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) + other : self
    }
}
