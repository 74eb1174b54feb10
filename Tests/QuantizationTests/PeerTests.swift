import Tensors
import Testing

import Quantization

/// Byte for byte what bitsandbytes 0.50 makes of the same numbers; `Fixtures/quantization/generate.py` prints these.
@Suite struct PeerTests {
    struct Golden: Sendable {
        var dtype: DType
        var codes, scales, back: UInt64
        var offset: UInt32
        var scaleCodes, outerScales, backDouble: UInt64
    }

    static let goldens: [Golden] = [
        Golden(
            dtype: .f32, codes: 0x0272_bf1d_3565_42ac, scales: 0x574a_0801_819c_2d9d, back: 0x4e62_abf2_0639_51a9,
            offset: 0x400c_8b24, scaleCodes: 0x0400_40e7_4062_1b08, outerScales: 0xe0a2_5f21_2875_eb18,
            backDouble: 0x7499_9b52_3527_5e3e),
        Golden(
            dtype: .bf16, codes: 0x716e_a975_cc49_6c12, scales: 0x57ef_778c_26a2_be39, back: 0x8c5b_25dd_3661_9236,
            offset: 0x400c_8d0c, scaleCodes: 0xe020_f132_e983_885a, outerScales: 0x67ef_4fa5_229c_638d,
            backDouble: 0x25a6_a266_ebbc_f8ee),
        Golden(
            dtype: .f16, codes: 0xbce5_7b13_5399_bc14, scales: 0x6719_43b5_d7e6_b446, back: 0xf498_b559_79c6_0d62,
            offset: 0x400c_8b69, scaleCodes: 0x6903_0fdf_4970_636f, outerScales: 0x058f_25ab_2711_9d96,
            backDouble: 0x74dc_e5b8_c50d_b0c1),
    ]

    @Test(arguments: goldens) func nf4(_ golden: Golden) throws {
        let quantized = try QuantizedTensor(tensor(sequence(40_037), golden.dtype), as: .nf4)
        #expect(try fingerprint(quantized.codes) == golden.codes)
        #expect(try fingerprint(quantized.scales) == golden.scales)
        #expect(try fingerprint(quantized.dequantized()) == golden.back)
        #expect(quantized.outerScales == nil)
    }

    @Test(arguments: goldens) func nf4Double(_ golden: Golden) throws {
        let quantized = try QuantizedTensor(tensor(sequence(40_037), golden.dtype), as: .nf4Double)
        #expect(try fingerprint(quantized.codes) == golden.codes)
        #expect(quantized.parameters.offset.bitPattern == golden.offset)
        #expect(try fingerprint(quantized.scales) == golden.scaleCodes)
        #expect(try fingerprint(#require(quantized.outerScales)) == golden.outerScales)
        #expect(try fingerprint(quantized.dequantized()) == golden.backDouble)
    }

    @Test func dynamicMap() throws {
        #expect(DynamicMap.values.count == 256)
        #expect(try fingerprint(tensor(DynamicMap.values)) == 0xd677_f22a_9666_5bc4)
    }
}
