import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// ΔW = s·B·A in its forms; with a magnitude, DoRA.
    static let lora = UpdateBuilder { context throws(Failure) in
        switch context.entry.parameters["form"]?.string {
        case "embedding"?: try embedding(context)
        case "parameter"?: try parameter(context)
        default: try linear(context)
        }
    }

    /// s as fp32: that of the adapter times the weight, in fp64.
    private static func scale(_ context: UpdateContext) throws(Failure) -> Float {
        Float(try context.adapter.loraScale(of: context.entry) * context.weight)
    }

    private static func linear(_ context: UpdateContext) throws(Failure) -> [PlannedUpdate] {
        let a = try context.sides(.a)
        let b = try context.sides(.b)
        let layout = try layout(context, a, b)
        let scale = try scale(context)
        let hasMagnitude = context.entry[.magnitude] != nil
        if context.weight == 0 && !hasMagnitude { return [] }
        let factors: @Sendable () throws(Failure) -> (b: Matrix, a: Matrix) = { () throws(Failure) in
            let rank = a.rows
            return (
                b: try context.matrix(.b).spreadingColumns(to: rank),
                a: try diagonal(context, try factorA(context, inputs: layout.in))
            )
        }
        var updates: [PlannedUpdate] = []
        if hasMagnitude {
            updates.append(
                context.planned(layout, .map(layout.outputs)) { () throws(Failure) in
                    let (b, a) = try factors()
                    return .map(
                        DoRA(
                            change: LowRank(left: b.scaled(by: scale), right: a), magnitude: try magnitude(context),
                            axis: layout.outputs))
                })
        } else {
            updates.append(
                context.planned(layout, .sum) { () throws(Failure) in
                    let (b, a) = try factors()
                    return .sum(LowRank(b: b, a: a, scale: scale, layout))
                })
        }
        if context.entry[.bias] != nil, context.weight != 0 { updates.append(try bias(context, scale)) }
        return updates
    }

    /// The layout of a weight with these factors, which may be block-diagonal, or see means of groups of inputs.
    private static func layout(
        _ context: UpdateContext, _ a: (rows: Int, columns: Int), _ b: (rows: Int, columns: Int)
    ) throws(Failure) -> WeightLayout {
        let isBlocks = context.entry.parameters["form"]?.string == "blocks"
        guard isBlocks || a.rows == b.columns else {
            throw .notMergeable("the factors are those of a grouped convolution")
        }
        if isBlocks || context.flag("use_qalora") {
            let layout = try context.layout(out: b.rows)
            guard a.columns > 0, layout.in % a.columns == 0, a.rows % b.columns == 0 else {
                throw context.mismatch(try context.tensor(), expected: "inputs in multiples of \(a.columns)")
            }
            return layout
        }
        return try context.layout(out: b.rows, in: a.columns)
    }

    /// A with all its inputs. Blocks go on the diagonal; with `use_qalora` A sees the sums of groups of inputs times the
    /// number of groups over the size of one.
    private static func factorA(_ context: UpdateContext, inputs: Int) throws(Failure) -> Matrix {
        let a = try context.matrix(.a)
        guard a.columns != inputs else { return a }
        guard context.flag("use_qalora") else { return a.spreadingColumns(to: inputs) }
        let size = inputs / a.columns
        let factor = Float(a.columns) / Float(size)
        var result = Matrix(rows: a.rows, columns: inputs, [Float](repeating: 0, count: a.rows * inputs))
        for row in 0..<a.rows {
            for column in 0..<inputs { result[row, column] = factor * a[row, column / size] }
        }
        return result
    }

    /// KaSA's diag(λ)·A; A itself where there is no λ.
    private static func diagonal(_ context: UpdateContext, _ a: Matrix) throws(Failure) -> Matrix {
        guard let source = context.entry[.lambda] else { return a }
        return a.scalingRows(by: try source.floats())
    }

    private static func magnitude(_ context: UpdateContext) throws(Failure) -> [Float] {
        try context.source(.magnitude).floats()
    }

    /// bias' = bias + s·lora_B.bias.
    private static func bias(_ context: UpdateContext, _ scale: Float) throws(Failure) -> PlannedUpdate {
        let count = try context.source(.bias).shape.elementCount()
        guard let bias = context.bias else {
            throw .notMergeable("it adds a bias to a layer that has none")
        }
        guard bias.count == count else {
            throw Failure(
                .baseIncompatible, "the base's bias is not of the shape that the adapter is for", object: bias.name,
                expected: "\(count)", actual: "\(bias.count)")
        }
        return context.planned(bias.name, .sum, rows: count, columns: 1) { () throws(Failure) in
            .sum(ScaledVector(values: try context.source(.bias).floats(), scale: scale))
        }
    }

    /// An embedding's ΔW = s·(B·A)ᵀ: W [rows, columns], A [r, rows], B [columns, r].
    private static func embedding(_ context: UpdateContext) throws(Failure) -> [PlannedUpdate] {
        let a = try context.sides(.a)
        let b = try context.sides(.b)
        let tensor = try context.tensor()
        guard tensor.shape == [a.columns, b.rows] else {
            throw context.mismatch(tensor, expected: "[\(a.columns), \(b.rows)]")
        }
        let layout = WeightLayout(out: b.rows, in: a.columns, isTransposed: true)
        let scale = try scale(context)
        guard context.entry[.magnitude] == nil else {
            return [
                context.planned(layout, .map(.columns)) { () throws(Failure) in
                    let change = LowRank(left: try context.matrix(.b).scaled(by: scale), right: try context.matrix(.a))
                    return .map(DoRA(change: change, magnitude: try magnitude(context), axis: .columns))
                }
            ]
        }
        if context.weight == 0 { return [] }
        return [
            context.planned(layout, .sum) { () throws(Failure) in
                .sum(LowRank(b: try context.matrix(.b), a: try context.matrix(.a), scale: scale, layout))
            }
        ]
    }
}

extension Matrix {
    /// Blocks of rows put on the diagonal of a matrix of `columns`; itself where it has as many.
    func spreadingColumns(to columns: Int) -> Matrix {
        guard columns != self.columns else { return self }
        let blocks = columns / self.columns
        let height = (rows + blocks - 1) / blocks
        var result = Matrix(rows: rows, columns: columns, [Float](repeating: 0, count: rows * columns))
        for row in 0..<rows {
            for column in 0..<self.columns { result[row, row / height * self.columns + column] = self[row, column] }
        }
        return result
    }
}
