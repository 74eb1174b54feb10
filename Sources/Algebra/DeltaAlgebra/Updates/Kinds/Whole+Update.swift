import Adapters
import Diagnostics
import Tensors

/// Kinds that store a tensor, or a difference of one, whole.
extension UpdateBuilder {
    /// W' = the stored tensor.
    static let full = UpdateBuilder { context throws(Failure) in [try replacement(context)] }

    /// A bias that replaces the base's, or is added to it.
    static let bias = UpdateBuilder { context throws(Failure) in
        try context.mode(default: "replace") == "add" ? try difference(context) : [try replacement(context)]
    }

    /// A difference that is added, or a tensor that replaces the base's.
    static let dense = UpdateBuilder { context throws(Failure) in
        try context.mode(default: "add") == "add" ? try difference(context) : [try replacement(context)]
    }

    private static func replacement(_ context: UpdateContext) throws(Failure) -> PlannedUpdate {
        let (rows, columns) = try sameShape(context)
        return context.planned(context.target, .replace, rows: rows, columns: columns) { () throws(Failure) in
            .replace(try context.source(.value))
        }
    }

    private static func difference(_ context: UpdateContext) throws(Failure) -> [PlannedUpdate] {
        let (rows, columns) = try sameShape(context)
        let scale = Float(context.weight)
        if scale == 0 { return [] }
        return [
            context.planned(context.target, .sum, rows: rows, columns: columns) { () throws(Failure) in
                .sum(StoredDifference(source: try context.source(.value), columns: columns, scale: scale))
            }
        ]
    }

    private static func sameShape(_ context: UpdateContext) throws(Failure) -> (rows: Int, columns: Int) {
        let shape = try context.source(.value).shape
        let tensor = try context.tensor()
        guard tensor.shape == shape else { throw context.mismatch(tensor, expected: "\(shape)") }
        return try context.sides()
    }
}

extension UpdateContext {
    /// The entry's parameter `mode`.
    func mode(default standard: String) throws(Failure) -> String {
        guard let value = entry.parameters["mode"] else { return standard }
        guard let mode = value.string else {
            throw Failure(.badParameter, "the parameter mode is no word", actual: value.summary)
        }
        return mode
    }
}

/// A difference read from where it is stored, row by row.
struct StoredDifference: SumUpdate {
    let source: any TensorSource
    let columns: Int
    let scale: Float

    func add(rows: Range<Int>, to sum: inout MutableSpan<Float>) throws(Failure) {
        let values = try source.floats((rows.lowerBound * columns)..<(rows.upperBound * columns))
        for index in values.indices { sum[index] += scale * values[index] }
    }
}
