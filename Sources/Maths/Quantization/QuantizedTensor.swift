import CKernels
package import Diagnostics
package import Tensors

/// A float tensor as codes and scales, each a stream that is computed from the tensor as it is read.
///
/// Nothing is held but the tensor's source: any range of any part costs memory for 16,384 elements. With `n` elements
/// the parts are
///
/// | | int8 | NF4 | NF4, doubly |
/// |---|---|---|---|
/// | `codes`, in the tensor's own shape | I8 | NF4 | NF4 |
/// | `scales` [⌈n / 64⌉] | F32 | F32 | U8 |
/// | `outerScales` [⌈n / 16384⌉] | | | F32 |
package struct QuantizedTensor: Sendable {
    package let original: any TensorSource
    package let parameters: QuantizationParameters
    package let codes: any TensorSource
    package let scales: any TensorSource
    package let outerScales: (any TensorSource)?

    /// Reads the tensor once, to find its mean scale and to refuse what has no scale.
    ///
    /// Throws ``Failure/Code/quantizationParameter`` where the tensor is not of floats or an element is not finite.
    package init(_ source: any TensorSource, as scheme: QuantizationScheme) throws(Failure) {
        // Refuses other types before anything is read.
        _ = try QuantizationParameters(scheme: scheme, dtype: source.dtype)
        let elements = try source.shape.elementCount()
        let mean = try Encoder(source: source, elements: elements, scheme: scheme, offset: 0).meanScale()
        let offset = scheme.isDouble ? mean : 0
        let encoder = Encoder(source: source, elements: elements, scheme: scheme, offset: offset)
        original = source
        parameters = try QuantizationParameters(scheme: scheme, dtype: source.dtype, offset: offset)
        codes = CodeSource(
            encoder: encoder, shape: source.shape, byteCount: try source.shape.byteCount(scheme.codeType))
        scales = ScaleSource(encoder: encoder)
        outerScales = scheme.isDouble ? OuterScaleSource(encoder: encoder) : nil
    }

    /// What comes back from the codes and scales.
    package func dequantized() throws(Failure) -> DequantizedTensor {
        try DequantizedTensor(codes: codes, scales: scales, outerScales: outerScales, parameters: parameters)
    }

    /// What is lost: reads the tensor twice more.
    package func measureError() throws(Failure) -> MeasuredError {
        try MeasuredError(of: try dequantized(), against: original)
    }
}

/// From floats to codes, one unit at a time.
private struct Encoder: Sendable {
    let source: any TensorSource
    let elements: Int
    let scheme: QuantizationScheme
    let offset: Float

    /// Reads a unit of `count` elements and leaves the largest magnitude of each block in `work.scales`.
    func loadMagnitudes(_ unit: Int, _ count: Int, _ work: inout Workspace) throws(Failure) {
        let start = unit * QuantizationScheme.unitElements
        try source.load(start, count, into: &work)
        let finite = unsafe tenon_block_absmax(work.values, count, QuantizationScheme.blockElements, &work.scales)
        guard finite == count else {
            throw Failure(
                .quantizationParameter, "element \(start + finite) is not finite, so its block has no scale",
                actual: "\(work.values[finite])")
        }
    }

    /// As ``loadMagnitudes``, but leaves the scales that the codes are made with.
    func loadScales(_ unit: Int, _ count: Int, _ work: inout Workspace) throws(Failure) {
        try loadMagnitudes(unit, count, &work)
        if scheme == .int8 {
            for index in 0..<QuantizationScheme.scaleCount(elements: count) { work.scales[index] /= 127 }
        }
    }

    /// As ``loadMagnitudes``, but takes the offset from each and leaves the largest magnitude of what is left in
    /// `work.outerScale`.
    func loadShiftedScales(_ unit: Int, _ count: Int, _ work: inout Workspace) throws(Failure) {
        try loadMagnitudes(unit, count, &work)
        let scaleCount = QuantizationScheme.scaleCount(elements: count)
        for index in 0..<scaleCount { work.scales[index] -= offset }
        _ = unsafe tenon_block_absmax(work.scales, scaleCount, scaleCount, &work.outerScale)
    }

    /// The mean of all blocks' magnitudes; each unit's sum by itself, then the sum of those, all in fp64.
    func meanScale() throws(Failure) -> Float {
        guard elements > 0 else { return 0 }
        var work = Workspace(elements: min(elements, QuantizationScheme.unitElements))
        var sum = 0.0
        for unit in 0..<QuantizationScheme.outerScaleCount(elements: elements) {
            let count = min(QuantizationScheme.unitElements, elements - unit * QuantizationScheme.unitElements)
            try loadMagnitudes(unit, count, &work)
            sum += work.scales[..<QuantizationScheme.scaleCount(elements: count)].reduce(0.0) { $0 + Double($1) }
        }
        return Float(sum / Double(QuantizationScheme.scaleCount(elements: elements)))
    }
}

private struct CodeSource: UnitSource {
    let encoder: Encoder
    let shape: Shape
    let byteCount: Int
    var dtype: DType { encoder.scheme.codeType }
    var elements: Int { encoder.elements }
    var unitBytes: Int { QuantizationScheme.unitElements * dtype.bits / 8 }

    func compute(_ index: Int, _ work: inout Workspace) throws(Failure) {
        let count = elements(ofUnit: index)
        try encoder.loadScales(index, count, &work)
        let block = QuantizationScheme.blockElements
        if encoder.scheme == .int8 {
            unsafe work.result.withUnsafeMutableBytes { result in
                let codes = unsafe result.baseAddress?.assumingMemoryBound(to: Int8.self)
                unsafe tenon_int8_encode(work.values, count, block, work.scales, codes)
            }
        } else {
            unsafe tenon_nf4_encode(work.values, count, block, work.scales, &work.result)
        }
    }
}

private struct ScaleSource: UnitSource {
    let encoder: Encoder
    var dtype: DType { encoder.scheme.scaleType }
    var shape: Shape { [QuantizationScheme.scaleCount(elements: elements)] }
    var byteCount: Int { QuantizationScheme.scaleCount(elements: elements) * dtype.bits / 8 }
    var elements: Int { encoder.elements }
    var unitBytes: Int { QuantizationScheme.outerBlockScales * dtype.bits / 8 }

    func compute(_ index: Int, _ work: inout Workspace) throws(Failure) {
        let count = elements(ofUnit: index)
        let scaleCount = QuantizationScheme.scaleCount(elements: count)
        if encoder.scheme.isDouble {
            try encoder.loadShiftedScales(index, count, &work)
            unsafe tenon_table_encode(
                work.scales, scaleCount, work.outerScale[0], DynamicMap.bounds, &work.result)
        } else {
            try encoder.loadScales(index, count, &work)
            work.result.overwrite(with: work.scales, scaleCount)
        }
    }
}

private struct OuterScaleSource: UnitSource {
    let encoder: Encoder
    var dtype: DType { .f32 }
    var shape: Shape { [QuantizationScheme.outerScaleCount(elements: elements)] }
    var byteCount: Int { QuantizationScheme.outerScaleCount(elements: elements) * 4 }
    var elements: Int { encoder.elements }
    var unitBytes: Int { 4 }

    func compute(_ index: Int, _ work: inout Workspace) throws(Failure) {
        try encoder.loadShiftedScales(index, elements(ofUnit: index), &work)
        work.result.overwrite(with: work.outerScale, 1)
    }
}

extension [UInt8] {
    /// Puts the bytes of the first `count` floats at the start.
    fileprivate mutating func overwrite(with floats: [Float], _ count: Int) {
        unsafe withUnsafeMutableBytes { target in
            unsafe floats.withUnsafeBytes { floats in
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: floats[..<(count * 4)]))
            }
        }
    }
}
