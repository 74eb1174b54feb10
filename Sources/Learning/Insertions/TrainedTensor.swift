package import Adapters
package import Diagnostics
package import Kernels
package import Layers
package import Tensors

/// A parameter, and where an adapter keeps it, or what is made of it.
package struct TrainedTensor<R: Real>: Sendable {
    package let key: EntryKey
    package let role: Role
    package let shape: Shape
    package let parameter: Parameter<R>

    package init(_ key: EntryKey, _ role: Role, shape: Shape? = nil, _ parameter: Parameter<R>) {
        self.key = key
        self.role = role
        self.shape = shape ?? [parameter.value.rows, parameter.value.columns]
        self.parameter = parameter
    }

    /// A tensor of the base that is trained itself: a vector lies as one row.
    package init(base parameter: BaseParameter<R>, kind: Kind) {
        let trained = parameter.makeTrainable()
        self.init(
            EntryKey(parameter.name, kind), .value, shape: parameter.isVector ? [trained.value.columns] : nil, trained)
    }

}

/// A tensor of an adapter, and where it lies there.
package struct StoredTensor<R: Real>: Sendable {
    package let key: EntryKey
    package let role: Role
    package let shape: Shape
    package let value: Matrix<R>

    package init(_ key: EntryKey, _ role: Role, shape: Shape? = nil, _ value: Matrix<R>) {
        self.key = key
        self.role = role
        self.shape = shape ?? [value.rows, value.columns]
        self.value = value
    }
}

extension TensorBuffer {
    /// A matrix in fp32.
    package init<R: Real>(_ matrix: Matrix<R>, shape: Shape) throws(Failure) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(matrix.rows * matrix.columns * 4)
        for value in matrix.values {
            unsafe withUnsafeBytes(of: Float(value).bitPattern.littleEndian) { unsafe bytes.append(contentsOf: $0) }
        }
        try self.init(dtype: .f32, shape: shape, bytes: bytes)
    }
}

extension Matrix {
    /// A tensor of an adapter, widened.
    ///
    /// Throws ``Failure/Code/kindShape`` where it has other dimensions than `rows` and `columns`, or is no float.
    package init(_ source: any TensorSource, rows: Int, columns: Int, name: String) throws(Failure) {
        let dtype = source.dtype
        guard dtype == .f32 || dtype == .bf16 || dtype == .f16 else {
            throw Failure(
                .kindShape, "a tensor of this type cannot be trained", object: name, expected: "F32, BF16 or F16",
                actual: dtype.name)
        }
        let count = source.byteCount / (dtype.width ?? 1)
        guard count == rows * columns else {
            throw Failure(
                .kindShape, "the tensor does not fit the base", object: name, expected: "\(rows) x \(columns)",
                actual: "\(source.shape)")
        }
        self.init(rows: rows, columns: columns, Self.numbers(try source.readAll(), dtype))
    }

    private static func numbers(_ bytes: [UInt8], _ dtype: DType) -> [R] {
        let width = dtype.width ?? 1
        return (0..<bytes.count / width).map { place in
            var bits: UInt32 = 0
            for byte in 0..<width { bits |= UInt32(bytes[place * width + byte]) << UInt32(8 * byte) }
            return switch dtype {
            case .bf16: R(Float(bitPattern: bits << 16))
            case .f16: R(Float16(bitPattern: UInt16(truncatingIfNeeded: bits)))
            default: R(Float(bitPattern: bits))
            }
        }
    }
}
