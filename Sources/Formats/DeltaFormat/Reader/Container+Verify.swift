package import Diagnostics
package import Digests
import Files
package import Parallelism
import Tensors

/// How much of a container is looked at.
package enum VerificationLevel: String, Sendable, CaseIterable {
    /// Header, trailer and index: done by opening.
    case structure
    /// And the checksum of every stored byte, and that it decodes. Finds damage, proves nothing.
    case quick
    /// And every tensor's SHA-256.
    case full
}

extension Container {
    /// Reads and checks all data; throws at the first fault.
    package func verify(_ level: VerificationLevel, lanes: Lanes) throws(Failure) {
        guard level != .structure else { return }
        try verifyPadding()
        try verify(level, tensors: Array(layout.tensors.indices), lanes: lanes)
    }

    /// The same for some tensors only, without the padding.
    package func verify(_ level: VerificationLevel, tensors: [Int], lanes: Lanes) throws(Failure) {
        let sources = tensors.map(source)
        let collector = level == .full ? DigestCollector(byteCounts: sources.map(\.byteCount)) : nil
        let groups = BlockGroup.plan(sources, groupSize: 1 << 20)
        let buffers = (0..<lanes.count).map { _ in ScratchBuffer() }
        try lanes.forEach(groups.count) { lane, number throws(Failure) in
            let group = groups[number]
            let bytes = unsafe buffers[lane].bytes(group.byteCount)
            var start = 0
            for block in group.blocks {
                var span = unsafe MutableRawSpan(
                    _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + block.count]))
                try sources[block.tensor].read(at: block.offset, into: &span)
                start += block.count
            }
            unsafe collector?.observe(group, bytes: UnsafeRawBufferPointer(bytes).bytes)
        }
        guard let collector else { return }
        for (seen, tensor) in tensors.enumerated() { try check(collector.digest(of: seen), of: tensor) }
    }

    /// Throws unless `digest` is what the index states for `tensor`.
    package func check(_ digest: Digest?, of tensor: Int) throws(Failure) {
        let expected = index.tensors[tensor].digest
        guard digest == expected else {
            throw Failure(
                .digestMismatch, "a tensor's SHA-256 does not match", object: name(of: tensor), path: file.path,
                expected: "\(expected)", actual: digest.map(\.description) ?? "none",
                hint: "the file was changed after it was written; get it again")
        }
    }

    private func verifyPadding() throws(Failure) {
        for gap in layout.gaps(index) {
            for (offset, byte) in try file.read(at: gap.lowerBound, count: gap.count).enumerated() where byte != 0 {
                throw Failure(
                    .paddingNonzero, "a padding byte is not zero", offset: UInt64(gap.lowerBound + offset),
                    path: file.path)
            }
        }
    }
}
