import Adapters
package import Checkpoints
package import Diagnostics
import Digests
import Files
import Tensors

/// A base that the user named: its size, and which adapters fit it. Only headers are read.
package struct KnownBase: Sendable {
    package let checkpoint: Checkpoint
    package let headerDigest: String
    private let place: String

    package init(path: String) throws(Failure) {
        checkpoint = try Checkpoint(path: path)
        headerDigest = "\(BaseFingerprint.headerDigest(of: checkpoint))"
        place = try Folder.resolved(path)
    }

    package var path: String { checkpoint.path }
    package var byteCount: Int { checkpoint.totalBytes }

    func isAt(_ path: String) -> Bool { (try? Folder.resolved(path)) == place }

    /// Whether the base has every weight that the adapter changes, as large as its factors say.
    func fits(_ adapter: Adapter) -> Bool {
        adapter.entries.allSatisfy { entry in
            let target = entry.key.target
            if target.isEmpty || Self.standAlone.contains(entry.key.kind) { return true }
            guard let tensor = checkpoint[target] else { return false }
            guard entry.key.kind == .lora, [nil, "embedding"].contains(entry.parameters["form"]?.string),
                let a = (entry[.a] ?? entry[Role.a.part(.codes)])?.shape.dimensions,
                let b = (entry[.b] ?? entry[Role.b.part(.codes)])?.shape.dimensions, let rows = b.first
            else { return true }
            return (try? Shape([rows] + a.dropFirst()).elementCount()) == (try? tensor.shape.elementCount())
        }
    }

    /// Kinds of entries whose target the base need not have.
    private static let standAlone: Set<Kind> = [.file, .opaque, .shared, .full, .bias, .extend]
}
