import Digests
import Tensors
import Testing

@Suite("The collector of tensor digests") struct DigestCollectorTests {
    private static let tensors: [[UInt8]] = [
        0, 1, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 3 << 20, 5, 0, 200_000,
    ].enumerated().map { number, count in (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) } }

    private static func groups(_ blockSize: Int) -> [BlockGroup] {
        let blockSizes = [Int](repeating: blockSize, count: tensors.count)
        return BlockGroup.plan(byteCounts: tensors.map(\.count), blockSizes: blockSizes, groupSize: 1 << 20)
    }

    private static func observe(_ group: BlockGroup, by collector: DigestCollector) {
        let bytes = group.blocks.flatMap { tensors[$0.tensor][$0.offset..<$0.offset + $0.count] }
        unsafe collector.observe(group, bytes: bytes.span.bytes)
    }

    @Test("gives the digest of each tensor, in whatever order its blocks come", arguments: [1 << 16, 1 << 18, 1 << 20])
    func orders(blockSize: Int) {
        let byteCounts = Self.tensors.map(\.count)
        let groups = Self.groups(blockSize)
        for order in [groups, groups.reversed(), groups.enumerated().sorted { $0.0 * 7 % 11 < $1.0 * 7 % 11 }.map(\.1)]
        {
            let collector = DigestCollector(byteCounts: byteCounts)
            for group in order { Self.observe(group, by: collector) }
            for (number, bytes) in Self.tensors.enumerated() {
                #expect(collector.digest(of: number) == TensorDigest.data(bytes))
            }
        }
    }

    @Test("has no digest of a tensor that has not passed whole, but of one without bytes")
    func partial() {
        let byteCounts = Self.tensors.map(\.count)
        let collector = DigestCollector(byteCounts: byteCounts)
        for group in Self.groups(1 << 20).dropLast() { Self.observe(group, by: collector) }
        #expect(collector.digest(of: 9) == nil && collector.digest(of: 0) == TensorDigest.data([]))
        #expect(collector.digest(of: 8) == collector.digest(of: 0))
    }
}
