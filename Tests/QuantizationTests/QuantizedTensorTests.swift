import Diagnostics
import Support
import Synchronization
import Tensors
import Testing

import Quantization

@Suite struct QuantizedTensorTests {
    static let sizes = [1, 2, 63, 64, 65, 127, 1000, 16_383, 16_384, 16_385, 33_001]

    @Test(arguments: sizes) func int8IsItsFormula(_ count: Int) throws {
        let values = sequence(count)
        let quantized = try QuantizedTensor(tensor(values), as: .int8)
        let codes = try quantized.codes.readAll().map { Int8(bitPattern: $0) }
        let scales = try floats(quantized.scales)
        let back = try floats(quantized.dequantized())
        #expect(scales.count == (count + 63) / 64)
        for index in 0..<count {
            let block = values[(index / 64 * 64)..<min(count, index / 64 * 64 + 64)]
            let scale = (block.map(\.magnitude).max() ?? 0) / 127
            guard scale == scales[index / 64],
                Float(codes[index]) == max(-127, min(127, (values[index] / scale).rounded(.toNearestOrEven))),
                back[index] == Float(codes[index]) * scale
            else {
                Issue.record("element \(index) of \(count): \(values[index]) became \(codes[index]), \(back[index])")
                return
            }
        }
        // Half a step, and the rounding of the product.
        #expect(zip(values, back).enumerated().allSatisfy { ($1.0 - $1.1).magnitude <= scales[$0 / 64] * 0.50001 })
    }

    @Test func int8RoundsTiesToEven() throws {
        // 127 makes the scale 1.
        let values: [Float] = [127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, -0.0, 0.49]
        let quantized = try QuantizedTensor(tensor(values), as: .int8)
        #expect(try quantized.codes.readAll().map { Int8(bitPattern: $0) } == [127, 0, 2, 2, 0, -2, -2, 126, 0, 0])
    }

    @Test(arguments: QuantizationScheme.allCases, [DType.f32, .bf16, .f16])
    func anyRangeIsThatOfTheWhole(_ scheme: QuantizationScheme, _ dtype: DType) throws {
        let quantized = try QuantizedTensor(tensor(sequence(33_001), dtype), as: scheme)
        var random = RepeatableRandom(seed: 7)
        for source in try [quantized.codes, quantized.scales, quantized.outerScales, quantized.dequantized()] {
            guard let source else { continue }
            let whole = try source.readAll()
            #expect(try whole.count == source.byteCount && source.shape.byteCount(source.dtype) == whole.count)
            for _ in 0..<12 {
                let start = Int.random(in: 0...whole.count, using: &random)
                let count = Int.random(in: 0...min(20_000, whole.count - start), using: &random)
                #expect(try source.read(at: start, count: count) == Array(whole[start..<start + count]))
            }
        }
    }

    @Test(arguments: QuantizationScheme.allCases) func memoryIsBounded(_ scheme: QuantizationScheme) throws {
        let watched = WatchedTensor(try tensor(sequence(200_000)))
        let quantized = try QuantizedTensor(watched, as: scheme)
        _ = try quantized.codes.readAll()
        _ = try quantized.measureError()
        #expect(watched.largest.load(ordering: .relaxed) <= 65_536)
    }

    @Test(arguments: QuantizationScheme.allCases) func zerosStayZeros(_ scheme: QuantizationScheme) throws {
        let quantized = try QuantizedTensor(tensor([Float](repeating: 0, count: 200)), as: scheme)
        #expect(try floats(quantized.dequantized()).allSatisfy { $0 == 0 })
        #expect(try quantized.measureError() == MeasuredError(of: quantized.original, against: quantized.original))
        if scheme == .int8 { #expect(try floats(quantized.scales).allSatisfy { $0 == 0 }) }
    }

    @Test(arguments: QuantizationScheme.allCases, [DType.f32, .bf16, .f16])
    func theLargestAndTheSmallestNumbersStayFinite(_ scheme: QuantizationScheme, _ dtype: DType) throws {
        let largest: Float =
            dtype == .f16 ? 65504 : dtype == .bf16 ? Float(bitPattern: 0x7F7F_0000) : .greatestFiniteMagnitude
        let least: Float = dtype == .f16 ? 0x1p-24 : dtype == .bf16 ? 0x1p-133 : .leastNonzeroMagnitude
        var values = [Float](repeating: largest, count: 64) + [Float](repeating: -largest, count: 64)
        values += [least, -least, 3 * least, 190 * least] + [Float](repeating: 0, count: 60)
        let quantized = try QuantizedTensor(tensor(values, dtype), as: scheme)
        let back = try floats(quantized.dequantized())
        #expect(back.allSatisfy { $0.isFinite })
        #expect(scheme.isDouble || back[0] >= largest * 0.999 && back[64] <= -largest * 0.999)
        #expect(scheme.isDouble || back[128..<192].allSatisfy { $0.magnitude <= 256 * least })
    }

    @Test func nf4KeepsItsOwnValues() throws {
        let first = try QuantizedTensor(tensor(sequence(5000)), as: .nf4)
        let once = try first.dequantized()
        let second = try QuantizedTensor(once, as: .nf4)
        #expect(try second.codes.readAll() == first.codes.readAll())
        #expect(try second.dequantized().readAll() == once.readAll())
        #expect(try second.measureError().relative == 0)
    }

    @Test func theLastHalfByteIsZero() throws {
        let quantized = try QuantizedTensor(tensor([1, -1, 0]), as: .nf4)
        #expect(try quantized.codes.readAll() == [0xF0, 0x70])
        #expect(quantized.codes.shape == [3])
        let spoiled = try TensorBuffer(dtype: .nf4, shape: [3], bytes: [0xF0, 0x71])
        let back = try DequantizedTensor(
            codes: spoiled, scales: quantized.scales, outerScales: nil, parameters: quantized.parameters)
        #expect(throws: Failure.self) { try back.readAll() }
    }

    @Test func errorsAreMeasured() throws {
        let values = sequence(33_001)
        for (scheme, bound) in [(QuantizationScheme.int8, 0.008), (.nf4, 0.12), (.nf4Double, 0.15)] {
            let quantized = try QuantizedTensor(tensor(values), as: scheme)
            let back = try floats(quantized.dequantized())
            let error = try quantized.measureError()
            let noise = zip(values, back).reduce(0.0) {
                $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
            }
            let signal = values.reduce(0.0) { $0 + Double($1) * Double($1) }
            #expect(abs(error.relative - (noise / signal).squareRoot()) < 1e-12)
            #expect(error.largest == zip(values, back).map { (Double($0) - Double($1)).magnitude }.max())
            #expect(error.relative > 0 && error.relative < bound)
        }
    }

    @Test(arguments: QuantizationScheme.allCases, [Float.nan, .infinity, -.infinity])
    func whatIsNotFiniteIsRefused(_ scheme: QuantizationScheme, _ value: Float) throws {
        for place in [0, 100, 16_384, 20_000] {
            var values = sequence(20_001)
            values[place] = value
            let failure = #expect(throws: Failure.self) { try QuantizedTensor(tensor(values), as: scheme) }
            #expect(failure?.code == .quantizationParameter)
            #expect(failure?.what.contains("element \(place) ") == true)
        }
    }

    @Test func otherTypesAreRefused() throws {
        let bytes = TensorBuffer([1, 2, 3])
        #expect(throws: Failure.self) { try QuantizedTensor(bytes, as: .int8) }
    }

    @Test func emptyAndScalarTensors() throws {
        for scheme in QuantizationScheme.allCases {
            let empty = try QuantizedTensor(tensor([], shape: [0, 4]), as: scheme)
            #expect(try empty.codes.readAll().isEmpty && empty.scales.readAll().isEmpty)
            #expect(try empty.dequantized().readAll().isEmpty && empty.measureError().relative == 0)
            let scalar = try QuantizedTensor(tensor([-2.5], shape: []), as: scheme)
            #expect(try floats(scalar.dequantized()) == [-2.5] && scalar.codes.shape == [])
        }
    }

    @Test func spoiledPartsAreRefused() throws {
        let good = try QuantizedTensor(tensor(sequence(130)), as: .int8)
        let double = try QuantizedTensor(tensor(sequence(130)), as: .nf4Double)
        func refused(_ scales: [Float], _ outer: (any TensorSource)? = nil) throws {
            let failure = #expect(throws: Failure.self) {
                try DequantizedTensor(
                    codes: good.codes, scales: tensor(scales), outerScales: outer, parameters: good.parameters
                ).readAll()
            }
            #expect(failure?.code == .quantizationParameter)
        }
        try refused([1, 1])
        try refused([1, 1, 1, 1])
        try refused([1, .nan, 1])
        try refused([1, 1, .infinity])
        try refused([1, -1, 1])
        try refused([1, 1, 1], tensor([1]))
        for (codes, scales, outer) in [
            (double.codes, double.scales, nil), (good.codes, double.scales, double.outerScales),
            (double.codes, good.scales, double.outerScales), (double.codes, double.scales, double.scales),
        ] as [(any TensorSource, any TensorSource, (any TensorSource)?)] {
            let failure = #expect(throws: Failure.self) {
                try DequantizedTensor(codes: codes, scales: scales, outerScales: outer, parameters: double.parameters)
            }
            #expect(failure?.code == .quantizationParameter)
        }
        #expect(throws: Failure.self) { try QuantizationParameters(scheme: .nf4Double, dtype: .f32, offset: .nan) }
        #expect(throws: Failure.self) { try QuantizationParameters(scheme: .int8, dtype: .f32, offset: 1) }
        #expect(throws: Failure.self) { try QuantizationParameters(scheme: .int8, dtype: .f64) }
    }

    @Test func noCodeIsOutOfBounds() throws {
        // Every byte is two codes, and every byte is a code of a scale.
        let parameters = try QuantizationParameters(scheme: .nf4Double, dtype: .bf16, offset: 3e38)
        let codes = try TensorBuffer(dtype: .nf4, shape: [512], bytes: (0..<256).map { UInt8($0) })
        for byte in UInt8.min...UInt8.max {
            let back = try DequantizedTensor(
                codes: codes, scales: TensorBuffer([UInt8](repeating: byte, count: 8)),
                outerScales: tensor([.greatestFiniteMagnitude]), parameters: parameters)
            #expect(try floats(back).allSatisfy { $0.isFinite })
        }
    }
}
