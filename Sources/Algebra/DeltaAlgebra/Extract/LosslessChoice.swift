import Adapters
import CKernels
import Diagnostics
import Tensors

/// How one changed tensor is stored so that it comes back bit for bit.
enum LosslessChoice {
    /// The entry for a pair that differs: few changes, a difference for each element, or the tensor itself, whichever
    /// is estimated to be shortest, or the one that is asked for.
    ///
    /// Throws ``Failure/Code/usage`` where few changes are asked for and there are many.
    static func entry(
        for pair: TensorPair, _ findings: PairFindings, as form: LosslessForm = .shortest
    ) throws(Failure) -> AdapterEntry {
        switch form {
        case .exact: return exact(pair)
        case .sparse:
            if findings.counts.isEmpty {
                throw Failure(
                    .usage, "too many elements changed to be named one by one", object: pair.name,
                    hint: "--kind exact stores a difference for every element, --kind auto chooses")
            }
            return try sparse(pair, findings)
        case .shortest: break
        }
        let kind = ElementKind(pair.base.dtype)
        let elements = pair.base.byteCount / kind.width
        if !findings.counts.isEmpty, Double(findings.changes) <= PairScan.fewShare * Double(elements) {
            return try sparse(pair, findings)
        }
        if try isFullShorter(pair, kind) {
            return AdapterEntry(key: EntryKey(pair.name, .full), tensors: [RoleTensor(.value, pair.tuned)])
        }
        return exact(pair)
    }

    private static func sparse(_ pair: TensorPair, _ findings: PairFindings) throws(Failure) -> AdapterEntry {
        let mode: FewChangesMode = findings.elementBits < findings.differenceBits ? .replace : .difference
        let changes = FewChanges(
            base: pair.base, tuned: pair.tuned, mode: mode, counts: findings.counts, kept: findings.kept)
        return AdapterEntry(
            key: EntryKey(pair.name, .sparse),
            parameters: ["places": "gaps", "mode": .string(mode.rawValue)], tensors: try changes.tensors())
    }

    private static func exact(_ pair: TensorPair) -> AdapterEntry {
        AdapterEntry(
            key: EntryKey(pair.name, .exact),
            tensors: [RoleTensor(.value, ExactDifference(base: pair.base, tuned: pair.tuned))])
    }

    /// Whether the differences of the first elements have as many bits as the elements: as with a layer that was trained
    /// anew.
    private static func isFullShorter(_ pair: TensorPair, _ kind: ElementKind) throws(Failure) -> Bool {
        let bits = try sampledBits(pair, from: 0)
        return bits.difference >= bits.own
    }

    /// How many elements are looked at to tell whether a difference is worth it.
    private static let sampleElements = 1 << 15

    /// What some elements take, in bits: as differences, and by themselves.
    ///
    /// - Parameter element: The first of them.
    static func sampledBits(_ pair: TensorPair, from element: Int) throws(Failure) -> (difference: Double, own: Double)
    {
        let kind = ElementKind(pair.base.dtype)
        let start = element * kind.width
        let window = start..<min(pair.base.byteCount, start + sampleElements * kind.width)
        return try WindowScratch.with { scratch throws(Failure) in
            let before = try unsafe pair.base.read(window, into: scratch.base)
            let after = try unsafe pair.tuned.read(window, into: scratch.tuned)
            let differences = unsafe scratch.first.bytes(window.count)
            let count = window.count / kind.width
            var counts = [UInt32](repeating: 0, count: 256)
            unsafe tenon_exact_encode(
                kind.code, before.baseAddress, after.baseAddress, count, differences.baseAddress, &counts)
            var start = 0
            var bits = 0.0
            for count in counts where count > 0 {
                let segment = unsafe UnsafeRawBufferPointer(
                    rebasing: differences[start * kind.width..<(start + Int(count)) * kind.width])
                var histogram = ByteHistogram()
                unsafe histogram.add(segment, width: kind.width)
                bits += histogram.bits * Double(count)
                start += Int(count)
            }
            var own = ByteHistogram()
            unsafe own.add(rotated(after, kind, scratch), width: kind.width)
            return (bits, own.bits * Double(count))
        }
    }

    /// Floats with the sign behind the fraction, as the container's filter has them.
    private static func rotated(
        _ elements: UnsafeMutableRawBufferPointer, _ kind: ElementKind, _ scratch: WindowScratch
    ) -> UnsafeRawBufferPointer {
        guard kind.isOrdered else { return UnsafeRawBufferPointer(elements) }
        let target = unsafe scratch.second.bytes(elements.count)
        for start in stride(from: 0, to: elements.count, by: kind.width) {
            var number: UInt64 = 0
            for place in (0..<kind.width).reversed() { number = unsafe number << 8 | UInt64(elements[start + place]) }
            let top = number >> UInt64(8 * kind.width - 1)
            number = number << 1 | top
            for place in 0..<kind.width {
                unsafe target[start + place] = UInt8(truncatingIfNeeded: number >> UInt64(8 * place))
            }
        }
        return UnsafeRawBufferPointer(target)
    }
}
