import CKernels
import Diagnostics
import Tensors

/// What a merged tensor was before the updates, as far as arithmetic can tell: `Spec/deltas.md`, "Corrections".
///
/// P = RNE(RN32(W' − acc)) where all updates are sums; else P is W'.
final class PredictedTensor: TensorSource {
    private let merged: any TensorSource
    private let factors: UpdateFactors
    private let kind: ElementKind

    init(merged: any TensorSource, updates: [PlannedUpdate], name: String) throws(Failure) {
        self.merged = merged
        factors = try UpdateFactors(updates, byteCount: merged.byteCount, of: name)
        kind = ElementKind(merged.dtype)
    }

    var dtype: DType { merged.dtype }
    var shape: Shape { merged.shape }
    var byteCount: Int { merged.byteCount }

    func read(at offset: Int, into target: inout MutableRawSpan) throws(Failure) {
        let prepared = try factors.prepared()
        let count = target.byteCount
        if prepared.isSumOnly {
            try unsafe target.withUnsafeMutableBytes { target throws(Failure) in
                try WindowScratch.with { scratch throws(Failure) in
                    try unsafe predict(prepared, offset, target, scratch)
                }
            }
        } else {
            try merged.read(at: offset, into: &target)
        }
        factors.note(count)
    }

    private func predict(
        _ prepared: PreparedUpdates, _ offset: Int, _ target: UnsafeMutableRawBufferPointer, _ scratch: WindowScratch
    ) throws(Failure) {
        let columns = factors.columns
        let elements = offset / kind.width..<(offset + target.count) / kind.width
        let bytes = try unsafe merged.read(offset..<offset + target.count, into: scratch.base)
        let tileRows = max(1, UpdatedTensor.tileElements / columns)
        let rows = elements.lowerBound / columns..<(elements.upperBound + columns - 1) / columns
        for row in stride(from: rows.lowerBound, to: rows.upperBound, by: tileRows) {
            let tile = row..<min(row + tileRows, rows.upperBound)
            let all = tile.lowerBound * columns..<tile.upperBound * columns
            let own = all.clamped(to: elements)
            let sum = unsafe scratch.first.floats(all.count)
            try unsafe prepared.add(tile, to: sum)
            guard let start = sum.baseAddress, let before = bytes.baseAddress, let after = target.baseAddress else {
                return
            }
            let place = (own.lowerBound - elements.lowerBound) * kind.width
            let part = unsafe start + (own.lowerBound - all.lowerBound)
            unsafe tenon_scale(part, -1, own.count, part)
            unsafe tenon_round_sum(kind.code, before + place, part, own.count, after + place, nil)
        }
    }
}
