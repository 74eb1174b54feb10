import CKernels

/// The numbers that kernels compute with. Only `Float` and `Double` conform.
///
/// In `Double` everything is computed by the same source, for checks by finite differences.
public protocol Real: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    /// The kernels for this type, of the instruction set in use.
    static var _kernels: KernelTable { get }
}

/// The C functions for one type of numbers.
@safe
public struct KernelTable {
    let functions: tenon_learning

    fileprivate init(_ table: UnsafePointer<tenon_learning>) {
        functions = unsafe table.pointee
    }
}

extension Float: Real {
    /// Of this type.
    public static var _kernels: KernelTable { unsafe KernelTable(tenon_learning_f32()) }
}

extension Double: Real {
    /// Of this type.
    public static var _kernels: KernelTable { unsafe KernelTable(tenon_learning_f64()) }
}

extension Real {
    static var kernels: tenon_learning { _kernels.functions }
}
