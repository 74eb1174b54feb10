import Adapters
import Diagnostics
import Parallelism
import Synchronization
import Tensors

/// What the numbers of tensors tell, read by blocks and no farther than needed.
struct ValueScan {
    let lanes: Lanes

    /// Whether every byte of `source` is zero.
    func isZero(_ source: any TensorSource) throws(Failure) -> Bool {
        try allWords(of: [source], are: 0)
    }

    /// Whether every number of these tensors of fp32 is one of bf16.
    func holdBFloat16(_ sources: [any TensorSource]) throws(Failure) -> Bool {
        // Little-endian: the low half of each of a word's two numbers.
        try allWords(of: sources, are: 0x0000_FFFF_0000_FFFF)
    }

    /// Whether all words of 64 bits have no bit of `mask`; with a mask of 0, no bit at all.
    private func allWords(of sources: [any TensorSource], are mask: UInt64) throws(Failure) -> Bool {
        let mask = mask == 0 ? .max : mask
        let groups = BlockGroup.plan(sources, groupSize: 1 << 20)
        let holds = Atomic(true)
        try lanes.forEach(groups.count) { _, index throws(Failure) in
            for block in groups[index].blocks where holds.load(ordering: .relaxed) {
                let bytes = try sources[block.tensor].read(at: block.offset, count: block.count)
                if Self.meets(bytes, mask) { holds.store(false, ordering: .relaxed) }
            }
        }
        return holds.load(ordering: .relaxed)
    }

    private static func meets(_ bytes: [UInt8], _ mask: UInt64) -> Bool {
        unsafe bytes.withUnsafeBytes { bytes in
            let words = bytes.count / 8
            for start in stride(from: 0, to: words, by: 512) {
                var bits: UInt64 = 0
                for word in start..<min(start + 512, words) {
                    bits |= unsafe bytes.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self)
                }
                if bits.littleEndian & mask != 0 { return true }
            }
            for offset in words * 8..<bytes.count {
                if unsafe bytes[offset] & UInt8(truncatingIfNeeded: mask >> (offset % 8 * 8)) != 0 { return true }
            }
            return false
        }
    }
}

extension ValueScan {
    /// The tensors that packing with a narrower dtype would narrow.
    static func narrowable(_ adapter: Adapter) -> [(entry: Int, tensor: Int)] {
        adapter.entries.indices.flatMap { entry in
            let key = adapter.entries[entry].key
            return adapter.entries[entry].tensors.indices.filter { tensor in
                let one = adapter.entries[entry].tensors[tensor]
                return one.source.dtype == .f32 && one.role.isFactor && ![.file, .opaque].contains(key.kind)
            }.map { (entry, $0) }
        }
    }

    /// Whether the adapter does nothing: each of its entries multiplies by a factor that is all zeros.
    func isUntrained(_ adapter: Adapter) throws(Failure) -> Bool {
        let entries = adapter.entries.filter { $0.key.kind != .file }
        for entry in entries {
            guard let factors = Self.factors[entry.key.kind],
                entry.tensors.allSatisfy({ factors.all.contains($0.role) })
            else { return false }
            var hasZero = false
            for role in factors.zero where !hasZero {
                if let source = entry[role] { hasZero = try isZero(source) }
            }
            if !hasZero { return false }
        }
        return !entries.isEmpty
    }

    /// Kinds that are products: their roles, and those that begin as zeros.
    private static let factors: [Kind: (all: Set<Role>, zero: [Role])] = [
        .lora: ([.a, .b], [.b, .a]), .adalora: ([.a, .b, .e], [.e, .b, .a]),
        .hadamard: ([.w1A, .w1B, .w2A, .w2B], [.w1B, .w1A, .w2B, .w2A]),
    ]
}
