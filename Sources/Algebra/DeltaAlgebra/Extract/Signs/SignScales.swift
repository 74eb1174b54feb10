import Diagnostics
import Tensors

/// The scales of a change's signs, and how near both come to it: `Spec/deltas.md`, "Signs".
package struct SignScales: Sendable {
    /// One, or one for each row.
    package let values: [Float]
    /// ‖D − Δ‖².
    package let squaredDistance: Double
    /// Of bits and scales.
    package let byteCount: Int

    /// The mean of |D|, of the tensor or of each row: of rows where that saves more of the error a byte than the signs
    /// themselves do.
    init(_ sums: ChangeSums) {
        let bits = (sums.elementCount + 7) / 8
        let whole = Self.scale(sums.magnitudes.reduce(0, +), sums.elementCount)
        let rows = sums.magnitudes.map { Self.scale($0, sums.columns) }
        let one = Self.distance(sums, [whole])
        let each = Self.distance(sums, rows)
        let perByte = (sums.power - one) / Double(bits + 4)
        let isByRow = sums.rows > 1 && one - each >= perByte * Double(4 * (sums.rows - 1))
        values = isByRow ? rows : [whole]
        squaredDistance = isByRow ? each : one
        byteCount = bits + 4 * values.count
    }

    private static func scale(_ sum: Double, _ count: Int) -> Float {
        count == 0 ? 0 : Float(sum / Double(count))
    }

    /// Σ (|D| − s)² = Σ D² − 2·s·Σ |D| + n·s², with s as it is stored.
    private static func distance(_ sums: ChangeSums, _ scales: [Float]) -> Double {
        var distance = sums.power
        for (row, magnitude) in sums.magnitudes.enumerated() {
            let scale = Double(scales[scales.count == 1 ? 0 : row])
            distance += scale * (Double(sums.columns) * scale - 2 * magnitude)
        }
        return max(0, distance)
    }

    func tensor() throws(Failure) -> TensorBuffer {
        let bytes = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
        }
        return try TensorBuffer(dtype: .f32, shape: [values.count], bytes: bytes)
    }
}
