import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// The factors of a fused parameter: a stack of E matrices, ΔW_e = s·Σ_r B[·, r, e]·A[e, r, ·].
    ///
    /// A [r·E, in] has the stack outermost, B [out, r·E] innermost. The parameter is [E, out, in] or [E, in, out], or a
    /// matrix [out, in].
    static func parameter(_ context: UpdateContext) throws(Failure) -> [PlannedUpdate] {
        let a = try context.sides(.a)
        let b = try context.sides(.b)
        guard let (name, tensor) = try parameterTensor(context, out: b.rows, in: a.columns) else {
            if let experts = try SeparateExperts(context, out: b.rows, in: a.columns) {
                return try experts.updates(context)
            }
            throw Failure(
                .baseIncompatible, "the base has no fused parameter that the adapter changes", object: context.target,
                hint: "a checkpoint that holds the experts one by one under unusual names must be fused first")
        }
        let dimensions = tensor.shape.dimensions
        let stack = dimensions.count == 3 ? dimensions[0] : 1
        guard stack > 0, a.rows % stack == 0 else {
            throw context.mismatch(tensor, expected: "a stack that divides \(a.rows)")
        }
        let rank = a.rows / stack
        let scale = try stackScale(context, stack)
        if context.weight == 0 { return [] }
        let isTransposed = try isTransposed(tensor, out: b.rows, in: a.columns)
        let (height, width) = isTransposed ? (a.columns, b.rows) : (b.rows, a.columns)
        return [
            context.planned(name, .sum, rows: stack * height, columns: width) { () throws(Failure) in
                let a = try context.matrix(.a)
                let b = try context.matrix(.b).scaled(by: scale).unstacked(stack)
                guard isTransposed else { return .sum(LowRank(left: b, right: a, stack: stack)) }
                return .sum(
                    LowRank(
                        left: a.transposingBlocks(height: rank), right: b.transposingBlocks(height: b.rows / stack),
                        stack: stack))
            }
        ]
    }

    /// s of one matrix of a stack: the entry's own rank is counted over all of them.
    static func stackScale(_ context: UpdateContext, _ stack: Int) throws(Failure) -> Float {
        let ratio = context.flag("use_rslora") ? Double(stack).squareRoot() : Double(stack)
        return Float(try context.adapter.loraScale(of: context.entry) * ratio * context.weight)
    }

    /// The parameter's tensor, if the base has it. Where several of a module are adapted the file does not name them: then it is the one of
    /// `target_parameters` whose shape fits.
    private static func parameterTensor(
        _ context: UpdateContext, out: Int, in inputs: Int
    ) throws(Failure) -> (name: String, tensor: BaseTensor)? {
        if let tensor = context.base(context.target) { return (context.target, tensor) }
        var found: [(name: String, tensor: BaseTensor)] = []
        for path in context.adapter.parameters["target_parameters"]?.strings ?? [] {
            let name = String(path[(path.lastIndex(of: ".").map(path.index(after:)) ?? path.startIndex)...])
            let full = "\(context.target).\(name)"
            guard !found.contains(where: { $0.name == full }), let tensor = context.base(full),
                (try? isTransposed(tensor, out: out, in: inputs)) != nil
            else { continue }
            found.append((full, tensor))
        }
        guard let first = found.first else { return nil }
        guard found.count == 1 else {
            throw .notMergeable(
                "its factors fit several parameters of the module (\(found.map(\.name).joined(separator: ", "))), and the file does not name theirs"
            )
        }
        return first
    }

    /// Whether the parameter is [E, in, out].
    private static func isTransposed(_ tensor: BaseTensor, out: Int, in inputs: Int) throws(Failure) -> Bool {
        let sides = Array(tensor.shape.dimensions.suffix(2))
        let isStraight = sides == [out, inputs]
        let isTransposed = sides == [inputs, out] && tensor.shape.rank == 3
        guard (2...3).contains(tensor.shape.rank), isStraight || isTransposed else {
            throw Failure(
                .baseIncompatible, "the base's tensor is not of the shape that the adapter is for",
                expected: "[…, \(out), \(inputs)]", actual: "\(tensor.shape)")
        }
        return isStraight && isTransposed ? tensor.isTransposed : isTransposed
    }
}

extension Matrix {
    /// [out, r·E] with the stack innermost as [E·out, r].
    fileprivate func unstacked(_ stack: Int) -> Matrix {
        let rank = columns / stack
        var result = Matrix(rows: rows * stack, columns: rank, values)
        for matrix in 0..<stack {
            for row in 0..<rows {
                for k in 0..<rank { result[matrix * rows + row, k] = self[row, k * stack + matrix] }
            }
        }
        return result
    }

    /// Every block of `height` rows transposed, one below the other.
    fileprivate func transposingBlocks(height: Int) -> Matrix {
        var result = Matrix(rows: rows / height * columns, columns: height, values)
        for row in 0..<rows {
            for column in 0..<columns {
                result[row / height * columns + column, row % height] = self[row, column]
            }
        }
        return result
    }
}
