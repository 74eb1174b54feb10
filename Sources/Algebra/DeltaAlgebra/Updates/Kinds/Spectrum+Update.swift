import Adapters
import Diagnostics
import Tensors

extension UpdateBuilder {
    /// FourierFT: ΔW = scaling·Re(IFFT2(S)), S zero but for the stored coefficients.
    static let spectrum = UpdateBuilder { context throws(Failure) in
        let layout = try context.layout()
        let count = try context.source(.spectrum).shape.elementCount()
        let scaling = try context.number("scaling", default: 150) * context.weight
        let seed = try context.integer("random_loc_seed", default: 777)
        let elements = layout.out * layout.in
        guard count <= elements else {
            throw context.mismatch(try context.tensor(), expected: "at least \(count) elements")
        }
        let isDrawn = context.entry[.indices] == nil
        guard !isDrawn || elements <= TorchRandom.longestPermutation else {
            throw .notMergeable(
                "the places of its coefficients are the beginning of a permutation of \(elements) numbers, too long to be made again"
            )
        }
        if context.weight == 0 { return [] }
        return [
            context.planned(layout, .sum) { () throws(Failure) in
                var random = TorchRandom(seed: seed)
                let places =
                    isDrawn
                    ? random.permutationPrefix(count, of: elements) : try context.source(.indices).places()
                guard places.allSatisfy({ $0 < elements }) else {
                    throw Failure(.sparseIndex, "a place is beyond the weight's \(elements) elements")
                }
                let values = try context.source(.spectrum).floats()
                let coefficients = zip(places, values).map { place, value in
                    let (row, column) = (place / layout.in, place % layout.in)
                    return SparseSpectrum.Coefficient(
                        row: layout.isTransposed ? column : row, column: layout.isTransposed ? row : column,
                        value: Double(value))
                }
                return .sum(
                    SparseSpectrum(
                        coefficients, rows: layout.rows, columns: layout.columns,
                        scale: scaling / Double(elements)))
            }
        ]
    }
}

/// The real part of the inverse transform of a matrix with few elements, a row at a time: first down the columns, of
/// which few have an element, then along the row. In fp64, rounded once.
struct SparseSpectrum: SumUpdate {
    struct Coefficient: Sendable {
        let row: Int
        let column: Int
        let value: Double
    }

    private let coefficients: [Coefficient]
    private let columns: Int
    private let scale: Double
    private let roots: [Complex]
    private let transform: FourierTransform

    init(_ coefficients: [Coefficient], rows: Int, columns: Int, scale: Double) {
        self.coefficients = coefficients
        self.columns = columns
        self.scale = scale
        roots = Elementary.rootsOfUnity(rows)
        transform = FourierTransform(count: columns)
    }

    func add(rows: Range<Int>, to sum: inout MutableSpan<Float>) {
        var line = [Complex](repeating: .zero, count: columns)
        for row in rows {
            for column in line.indices { line[column] = .zero }
            for coefficient in coefficients {
                line[coefficient.column] =
                    line[coefficient.column] + roots[coefficient.row * row % roots.count] * coefficient.value
            }
            transform.transform(&line)
            let start = (row - rows.lowerBound) * columns
            for column in 0..<columns { sum[start + column] += Float(line[column].real * scale) }
        }
    }
}
