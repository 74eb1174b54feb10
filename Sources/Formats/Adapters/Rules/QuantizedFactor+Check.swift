import Diagnostics
import Tensors

/// How the parts of a quantized factor of n elements fit together.
///
/// - codes: the factor's shape, I8 for int8, else NF4;
/// - scales: [⌈n/64⌉], F32, or U8 where they are quantized in turn (nf4-double);
/// - outer scales: [⌈n/16384⌉], F32, for nf4-double alone.
extension QuantizedFactor {
    /// Throws ``Failure/Code/quantizationParameter`` where they do not.
    static func check(_ tensors: [TensorDescription], _ parameters: Parameters) throws(Failure) {
        for tensor in tensors where tensor.role.part == nil {
            throw Failure(.unknownEnum, "the role \(tensor.role.word) is unknown")
        }
        let factors = Set(tensors.filter { $0.role.part != .whole }.map(\.role.factor))
        for role in factors.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let factor = parameters.quantization(of: role) else {
                throw Failure(
                    .quantizationParameter, "the entry does not say how its factor was quantized", object: role.word,
                    expected: "a scheme of \(schemes.joined(separator: ", ")) and a type of floats")
            }
            try factor.check(role, tensors)
        }
        for member in parameters["quantized"]?.map ?? [] where !factors.contains(where: { $0.word == member.key }) {
            throw Failure(.quantizationParameter, "the factor is said to be quantized and is not", object: member.key)
        }
    }

    private func check(_ factor: Role, _ tensors: [TensorDescription]) throws(Failure) {
        func part(_ part: Role.Part) -> TensorDescription? { tensors.first { $0.role == factor.part(part) } }
        guard part(.whole) == nil else {
            throw Failure(.quantizationParameter, "the factor is there both whole and quantized", object: factor.word)
        }
        guard let codes = part(.codes), let scales = part(.scales) else {
            throw Failure(.quantizationParameter, "the quantized factor lacks its codes or its scales", object: factor.word)
        }
        let isDouble = scheme == "nf4-double"
        guard isDouble || offset == 0 else {
            throw Failure(.quantizationParameter, "an offset has no meaning as \(scheme)", object: factor.word)
        }
        let count = try codes.shape.elementCount()
        try expect(codes, codes.shape, scheme == "int8" ? .i8 : .nf4)
        try expect(scales, [Self.blocks(count, of: Self.blockElements)], isDouble ? .u8 : .f32)
        guard (part(.outerScales) != nil) == isDouble else {
            throw Failure(.quantizationParameter, "outer scales belong to nf4-double", object: factor.word)
        }
        if let outer = part(.outerScales) {
            try expect(outer, [Self.blocks(count, of: Self.outerBlockElements)], .f32)
        }
    }

    private static func blocks(_ count: Int, of size: Int) -> Int { count / size + (count % size).signum() }

    private func expect(_ tensor: TensorDescription, _ shape: Shape, _ dtype: DType) throws(Failure) {
        guard tensor.dtype == dtype, tensor.shape == shape else {
            throw Failure(
                .quantizationParameter, "the part of a quantized factor does not fit it", object: tensor.role.word,
                expected: "\(dtype.name) \(shape)", actual: "\(tensor.dtype.name) \(tensor.shape)")
        }
    }
}
