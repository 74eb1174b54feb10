import CKernels
package import Diagnostics
package import Tensors

/// How far one float tensor is from another: what a lossy step has cost, measured on the tensors themselves.
package struct MeasuredError: Hashable, Sendable {
    /// `‖w - ŵ‖ / ‖w‖` with the Frobenius norm; 0 where both are zero, infinite where only `w` is.
    package let relative: Double
    /// `max |w - ŵ|`.
    package let largest: Double

    /// Reads both tensors once, in bounded memory. Sums are in fp64 and always in the same order.
    package init(of result: any TensorSource, against original: any TensorSource) throws(Failure) {
        let elements = try original.shape.elementCount()
        guard try result.shape.elementCount() == elements else {
            throw Failure(.internal, "tensors of \(original.shape) and \(result.shape) were to be compared")
        }
        let room = min(elements, QuantizationScheme.unitElements)
        var (before, after) = (Workspace(elements: room), Workspace(elements: room))
        var (signal, noise, largest) = (0.0, 0.0, 0.0)
        for start in stride(from: 0, to: elements, by: QuantizationScheme.unitElements) {
            let count = min(room, elements - start)
            try original.load(start, count, into: &before)
            try result.load(start, count, into: &after)
            unsafe tenon_compare(before.values, after.values, count, &signal, &noise, &largest)
        }
        relative = noise == 0 ? 0 : (noise / signal).squareRoot()
        self.largest = largest
    }
}
