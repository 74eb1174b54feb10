package import Diagnostics
import Files
import Packaging

extension AdapterStore {
    /// Refuses an output that lies within the store, where checks would take it for damage, or holds it.
    ///
    /// Throws ``Failure/Code/cannotCreate``, and ``Failure/Code/usage``.
    ///
    /// - Parameter output: Where something is to be written; `-` is the standard output.
    package func checkOutside(_ output: String) throws(Failure) {
        guard output != "-" else { return }
        var place = output
        while try Folder.kind(of: place) == nil { place = Paths.parent(of: place) }
        let (there, root) = (try Folder.resolved(place), try Folder.resolved(path))
        guard there == root || there.hasPrefix(Paths.joined(root, "")) else {
            return try Outputs.checkApart(output, from: [path])
        }
        throw Failure(
            .cannotCreate, "this lies within the store itself", object: root, path: output,
            hint: "name a place outside of the store")
    }
}
