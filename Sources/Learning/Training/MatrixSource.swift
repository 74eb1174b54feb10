package import Diagnostics
package import Kernels
package import Tensors

/// A matrix in fp32 as a tensor, read where it lies: what is written of a run takes no memory of its own.
package struct MatrixSource: TensorSource {
    package let shape: Shape
    private let matrix: Matrix<Float>

    /// `shape` has as many numbers as the matrix, which must not change until all of it is read.
    package init(_ matrix: Matrix<Float>, shape: Shape) {
        self.matrix = matrix
        self.shape = shape
    }

    package var dtype: DType { .f32 }
    package var byteCount: Int { matrix.rows * matrix.columns * 4 }

    package func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let width = matrix.columns * 4
        unsafe target.withUnsafeMutableBytes { target in
            var done = 0
            while done < target.count {
                let (row, start) = (offset + done).quotientAndRemainder(dividingBy: width)
                let count = min(width - start, target.count - done)
                unsafe matrix.withRow(row) { numbers in
                    let bytes = UnsafeRawBufferPointer(numbers)
                    let part = unsafe UnsafeMutableRawBufferPointer(rebasing: target[done..<done + count])
                    unsafe part.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
                }
                done += count
            }
        }
    }
}
