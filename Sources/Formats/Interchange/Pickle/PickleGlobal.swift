import Tensors

/// The names a pickle may mention: those that torch writes for a dictionary of tensors. Nothing is ever called; a name
/// is a word whose meaning is known here.
enum PickleGlobal: Hashable {
    case orderedDict
    /// `_rebuild_tensor_v2`, and `_rebuild_tensor_v3`, which has the type as an argument of its own.
    case rebuildTensor, rebuildTyped
    case rebuildParameter
    /// A class of storage; those without a type hold bytes.
    case storage(DType?)
    case dtype(DType)

    init?(module: String, name: String) {
        guard let known = Self.known["\(module) \(name)"] else { return nil }
        self = known
    }

    private static let known: [String: PickleGlobal] = [
        "collections OrderedDict": .orderedDict,
        "torch._utils _rebuild_tensor_v2": .rebuildTensor, "torch._utils _rebuild_tensor_v3": .rebuildTyped,
        "torch._utils _rebuild_parameter": .rebuildParameter,
        "torch DoubleStorage": .storage(.f64), "torch FloatStorage": .storage(.f32),
        "torch HalfStorage": .storage(.f16), "torch BFloat16Storage": .storage(.bf16),
        "torch LongStorage": .storage(.i64), "torch IntStorage": .storage(.i32), "torch ShortStorage": .storage(.i16),
        "torch CharStorage": .storage(.i8), "torch ByteStorage": .storage(.u8), "torch BoolStorage": .storage(.bool),
        "torch ComplexFloatStorage": .storage(.c64), "torch.storage UntypedStorage": .storage(nil),
        "torch uint16": .dtype(.u16), "torch uint32": .dtype(.u32), "torch uint64": .dtype(.u64),
        "torch float8_e4m3fn": .dtype(.f8e4m3), "torch float8_e5m2": .dtype(.f8e5m2),
        "torch float8_e4m3fnuz": .dtype(.f8e4m3fnuz), "torch float8_e5m2fnuz": .dtype(.f8e5m2fnuz),
        "torch float8_e8m0fnu": .dtype(.f8e8m0),
    ]
}
