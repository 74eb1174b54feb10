import Adapters
import DeltaFormat
import Diagnostics

/// What an entry of a container that was written takes, coded.
struct StoredEntry {
    let name: String
    let kind: Kind
    let byteCount: Int
}

extension Index {
    func storedEntries() throws(Failure) -> [StoredEntry] {
        let layout = try Layout(self, alignment: Header().alignment)
        var first = 0
        return entries.map { entry in
            let own = layout.tensors[first..<first + Int(entry.tensorCount)]
            first += own.count
            let start = own.first?.firstPlane ?? 0
            let end = own.last.map { $0.firstPlane + $0.chunkCount * $0.planeCount } ?? start
            return StoredEntry(
                name: string(entry.target), kind: entry.kind,
                byteCount: planes[start..<end].reduce(0) { $0 + $1.storedBytes })
        }
    }
}
