import CKernels
package import Diagnostics
package import Tensors

/// The float tensor that codes and scales stand for, computed as it is read.
///
/// `ŵ = round(codebook[code] · scale)`, the product in fp32 and rounded once more, to the tensor's type; see
/// ``QuantizationScheme``. Nothing in the parts is trusted but their lengths, which are checked first.
package struct DequantizedTensor: UnitSource {
    package let parameters: QuantizationParameters
    package let byteCount: Int
    let elements: Int
    private let codes: any TensorSource
    private let scales: any TensorSource
    private let outerScales: (any TensorSource)?

    /// Throws ``Failure/Code/quantizationParameter`` where the parts are not of the types and shapes that the scheme
    /// asks for. The scales' shape may be any with as many elements.
    package init(
        codes: any TensorSource, scales: any TensorSource, outerScales: (any TensorSource)?,
        parameters: QuantizationParameters
    ) throws(Failure) {
        let scheme = parameters.scheme
        elements = try codes.shape.elementCount()
        byteCount = try codes.shape.byteCount(parameters.dtype)
        let scaleCount = QuantizationScheme.scaleCount(elements: elements)
        try Self.check("codes", codes, scheme.codeType, elements)
        try Self.check("scales", scales, scheme.scaleType, scaleCount)
        if let outerScales {
            guard scheme.isDouble else {
                throw Failure(.quantizationParameter, "the scales of \(scheme.rawValue) have no scales of their own")
            }
            try Self.check("outer scales", outerScales, .f32, QuantizationScheme.outerScaleCount(elements: elements))
        } else if scheme.isDouble {
            throw Failure(.quantizationParameter, "the scales of \(scheme.rawValue) need scales of their own")
        }
        self.parameters = parameters
        self.codes = codes
        self.scales = scales
        self.outerScales = outerScales
    }

    package var dtype: DType { parameters.dtype }
    package var shape: Shape { codes.shape }
    var unitBytes: Int { QuantizationScheme.unitElements * dtype.bits / 8 }

    func compute(_ index: Int, _ work: inout Workspace) throws(Failure) {
        let count = elements(ofUnit: index)
        try loadScales(index, count, &work)
        let block = QuantizationScheme.blockElements
        let start = index * QuantizationScheme.unitElements
        if parameters.scheme == .int8 {
            try codes.fill(&work.codes, from: start, count: count)
            unsafe work.codes.withUnsafeBytes { codes in
                let codes = unsafe codes.baseAddress?.assumingMemoryBound(to: Int8.self)
                unsafe tenon_int8_decode(codes, count, block, work.scales, &work.values)
            }
        } else {
            try codes.fill(&work.codes, from: start / 2, count: (count + 1) / 2)
            guard count % 2 == 0 || work.codes[count / 2] & 15 == 0 else {
                throw Failure(.paddingNonzero, "half a byte after the last code is not zero")
            }
            unsafe tenon_nf4_decode(work.codes, count, block, work.scales, &work.values)
        }
        work.store(count, as: dtype)
    }

    private func loadScales(_ unit: Int, _ count: Int, _ work: inout Workspace) throws(Failure) {
        let scaleCount = QuantizationScheme.scaleCount(elements: count)
        let start = unit * QuantizationScheme.outerBlockScales
        if let outerScales {
            try scales.fill(&work.scaleCodes, from: start, count: scaleCount)
            try outerScales.fill(&work.outerScale, from: unit * 4, count: 4)
            try Self.checkFinite(work.outerScale[...], unit)
            unsafe tenon_table_decode(
                work.scaleCodes, scaleCount, DynamicMap.values, work.outerScale[0], parameters.offset, &work.scales)
            // An infinite scale would make zeros into NaN.
            unsafe tenon_clamp(&work.scales, scaleCount, Float.greatestFiniteMagnitude)
        } else {
            try scales.fill(&work.scales, from: start * 4, count: scaleCount * 4)
            try Self.checkFinite(work.scales[..<scaleCount], start)
        }
    }

    private static func checkFinite(_ scales: ArraySlice<Float>, _ first: Int) throws(Failure) {
        for (index, scale) in scales.enumerated() where !(scale >= 0 && scale.isFinite) {
            throw Failure(
                .quantizationParameter, "scale \(first + index) is negative or not finite", actual: "\(scale)")
        }
    }

    private static func check(
        _ what: String, _ source: any TensorSource, _ dtype: DType, _ count: Int
    ) throws(Failure) {
        guard source.dtype == dtype, try source.shape.elementCount() == count else {
            throw Failure(
                .quantizationParameter, "the \(what) of a quantized tensor do not fit",
                expected: "\(count) of \(dtype.name)", actual: "\(source.shape) of \(source.dtype.name)")
        }
    }
}
