import CKernels
import Tensors

/// Splits a chunk into the planes of its filter and joins them again. Planes lie one after the other.
enum Planes {
    static func split(
        _ chunk: UnsafeRawBufferPointer, filter: Filter, dtype: DType, into planes: UnsafeMutableRawBufferPointer
    ) {
        precondition(chunk.count == planes.count)
        let width = dtype.width ?? 1
        let elements = chunk.count / width
        guard elements > 0, let source = chunk.baseAddress, let target = planes.baseAddress else { return }
        switch filter {
        case .none: unsafe planes.copyMemory(from: chunk)
        case .bytes: unsafe tenon_split_bytes(source, elements, width, target)
        case .exponent: unsafe tenon_split_exponent(source, elements, width, target, target + elements)
        }
    }

    /// - Parameter rest: where the second plane of `exponent` lies if not behind the first.
    static func join(
        _ planes: UnsafeRawBufferPointer, rest: UnsafeRawBufferPointer? = nil, filter: Filter, dtype: DType,
        into chunk: UnsafeMutableRawBufferPointer
    ) {
        precondition(chunk.count == planes.count)
        let width = dtype.width ?? 1
        let elements = chunk.count / width
        guard elements > 0, let source = planes.baseAddress, let target = chunk.baseAddress else { return }
        switch filter {
        case .none: unsafe chunk.copyMemory(from: planes)
        case .bytes: unsafe tenon_join_bytes(source, elements, width, target)
        case .exponent:
            let second = unsafe rest ?? UnsafeRawBufferPointer(rebasing: planes[elements...])
            precondition(second.count == elements * (width - 1))
            unsafe tenon_join_exponent(source, second.baseAddress, elements, width, target)
        }
    }
}
