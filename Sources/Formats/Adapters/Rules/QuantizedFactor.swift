package import Diagnostics
import Tensors

/// How the parts of a quantized factor fit together.
///
/// Entry parameters: `scheme` ("nf4" or "int8"), `block` (elements that share a scale, counted along the flattened
/// factor; the last block may be short), `outer_block` (scales that share an outer scale; only with doubly quantized
/// scales), `dtype` (what the factor was). All quantized factors of an entry share them.
///
/// - codes: the factor's shape, NF4 or I8;
/// - scales: [⌈n/block⌉], F32, or U8 where they are quantized in turn;
/// - outer scales: [1 + ⌈scales/outer_block⌉], F32, the offset of the scales first.
package enum QuantizedFactor {
    package static func check(_ tensors: [TensorDescription], _ parameters: Parameters) throws(Failure) {
        for tensor in tensors where tensor.role.part == nil {
            throw Failure(.unknownEnum, "the role \(tensor.role.word) is unknown")
        }
        let parts = tensors.filter { $0.role.part != .whole }
        if parts.isEmpty { return }
        let scheme = try Scheme(parameters)
        for factor in Set(parts.map(\.role.factor)).sorted(by: { $0.rawValue < $1.rawValue }) {
            try scheme.check(factor, tensors)
        }
    }

    private struct Scheme {
        let codes: DType
        let block: Int
        let outerBlock: Int?

        init(_ parameters: Parameters) throws(Failure) {
            switch parameters["scheme"]?.string {
            case "nf4"?: codes = .nf4
            case "int8"?: codes = .i8
            default:
                throw Failure(
                    .quantizationParameter, "the scheme of a quantized entry is unknown", expected: "nf4 or int8",
                    actual: parameters["scheme"]?.summary ?? "none")
            }
            guard let block = parameters["block"]?.int, block >= 1 else {
                throw Failure(
                    .quantizationParameter, "a quantized entry has no block size", expected: "an integer of at least 1",
                    actual: parameters["block"]?.summary ?? "none")
            }
            self.block = block
            outerBlock = parameters["outer_block"]?.int
            guard parameters["outer_block"] == nil || (outerBlock ?? 0) >= 1 else {
                throw Failure(
                    .quantizationParameter, "the outer block size of a quantized entry is no size",
                    expected: "an integer of at least 1", actual: parameters["outer_block"]?.summary)
            }
            if let name = parameters["dtype"] {
                guard let dtype = name.string.flatMap(DType.init(name:)), dtype.isFloat else {
                    throw Failure(
                        .quantizationParameter, "the type that a quantized entry had is unknown", actual: name.summary)
                }
            }
        }

        func check(_ factor: Role, _ tensors: [TensorDescription]) throws(Failure) {
            func part(_ part: Role.Part) -> TensorDescription? { tensors.first { $0.role == factor.part(part) } }
            guard part(.whole) == nil else {
                throw Failure(.quantizationParameter, "the factor \(factor.word) is there both whole and quantized")
            }
            guard let codes = part(.codes), let scales = part(.scales) else {
                throw Failure(
                    .quantizationParameter, "the quantized factor \(factor.word) lacks its codes or its scales")
            }
            let isDouble = outerBlock != nil
            let count = try blocks(try codes.shape.elementCount(), of: block)
            try expect(codes, [], self.codes)
            try expect(scales, [count], isDouble ? .u8 : .f32)
            switch (outerBlock, part(.outerScales)) {
            case (nil, nil): return
            case (let size?, let outer?): try expect(outer, [1 + (try blocks(count, of: size))], .f32)
            case (nil, _?), (_?, nil):
                throw Failure(
                    .quantizationParameter, "outer scales and outer_block go together", object: factor.word)
            }
        }

        private func blocks(_ count: Int, of size: Int) throws(Failure) -> Int {
            count / size + (count % size == 0 ? 0 : 1)
        }

        private func expect(_ tensor: TensorDescription, _ dimensions: [Int], _ dtype: DType) throws(Failure) {
            guard tensor.dtype == dtype, dimensions.isEmpty || tensor.shape == Shape(dimensions) else {
                throw Failure(
                    .quantizationParameter, "the part \(tensor.role.word) does not fit its factor",
                    expected: "\(dtype.name)" + (dimensions.isEmpty ? "" : " \(Shape(dimensions))"),
                    actual: "\(tensor.dtype.name) \(tensor.shape)")
            }
        }
    }
}
