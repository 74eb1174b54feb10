import Tensors
import Testing

/// What PyTorch 2.13 draws on a processor.
@Suite struct TorchRandomTests {
    @Test func permutation() {
        var random = TorchRandom(seed: 777)
        #expect(random.permutationPrefix(8, of: 1024) == [103, 249, 319, 701, 999, 360, 217, 998])
        random = TorchRandom(seed: 777)
        let all = random.permutationPrefix(1024, of: 1024)
        #expect(all.suffix(3) == [172, 134, 954])
        #expect(all.sorted() == Array(0..<1024))
    }

    @Test func negativeSeed() {
        var random = TorchRandom(seed: -5)
        #expect(random.permutationPrefix(6, of: 100) == [30, 43, 13, 50, 71, 11])
    }

    @Test func uniform() {
        var random = TorchRandom(seed: 42)
        let values = (0..<2000).map { _ in random.uniform(-0.7, 0.7).bitPattern }
        let wanted: [UInt32] = [
            0x3f09_015b, 0x3f14_bcc7, 0x3f0a_248a, 0x3dd3_e61b, 0x3ea4_6f14, 0xbd86_d719,
        ]
        #expect([0, 1, 16, 17, 1000, 1999].map { values[$0] } == wanted)
    }

    @Test func uniformBFloat16() {
        var random = TorchRandom(seed: 3)
        let values = (0..<6).map { _ in random.uniformBFloat16(0, 1) }
        #expect(values == [0.0042724609375, 0.10546875, 0.28515625, 0.0269775390625, 0.470703125, 0.06005859375])
    }

    @Test func rounding() {
        #expect(Float(bitPattern: 0x3F80_8000).roundedToBFloat16.bitPattern == 0x3F80_0000)
        #expect(Float(bitPattern: 0x3F81_8000).roundedToBFloat16.bitPattern == 0x3F82_0000)
        #expect(Float(bitPattern: 0x3F80_8001).roundedToBFloat16.bitPattern == 0x3F81_0000)
        #expect(Float.infinity.roundedToBFloat16 == .infinity)
    }
}
