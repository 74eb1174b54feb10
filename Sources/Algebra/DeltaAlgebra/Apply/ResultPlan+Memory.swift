import Parallelism
import Tensors

extension ResultPlan {
    /// The most bytes that computing tensors takes beyond the buffers that every lane has.
    ///
    /// A tensor is computed in tiles of whole rows; where a row is longer than a tile, each lane holds one. Maps along
    /// the columns of what is stored by rows take the tensor as a whole, and while one is computed the one before it may
    /// still be written.
    func memory(lanes: Lanes) -> Int {
        let held = held(lanes: lanes)
        let rows = held.map(\.rows).max() ?? 0
        let whole = held.map(\.whole).max() ?? 0
        return rows + whole + (whole > 0 ? held.map(\.result).max() ?? 0 : 0)
    }

    /// The tensor that takes most of it; nil where none does.
    func largestHeld(lanes: Lanes) -> String? {
        held(lanes: lanes).max { $0.rows + $0.whole < $1.rows + $1.whole }?.name
    }

    private func held(lanes: Lanes) -> [(name: String, rows: Int, whole: Int, result: Int)] {
        tensors.compactMap { tensor in
            guard let updates = updates[tensor.name], let first = updates.first else { return nil }
            let elements = first.rows * first.columns
            let width = tensor.source.dtype.width ?? 1
            let isMapped = updates.contains { $0.effect != .sum }
            if updates.contains(where: { $0.effect == .map(.columns) }) {
                // The base and the result; their sum, the weights, and the weights turned, in fp32.
                return (tensor.name, 0, elements * (2 * width + 12), elements * width)
            }
            guard first.columns > UpdatedTensor.tileElements else { return nil }
            // The sum and the weights; and where maps follow, what the tally takes and the base's whole rows.
            let row = first.columns * (8 + (isMapped ? 12 + width : 0))
            return (tensor.name, row * lanes.count, 0, 0)
        }
    }
}
