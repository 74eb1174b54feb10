package import Diagnostics

extension AdapterStore {
    /// The beginning of the fingerprint of a base: that of the checkpoint which has the name `text`, else `text` itself.
    ///
    /// Throws ``Failure/Code/notFound`` for a name that is not there, ``Failure/Code/usage`` for one of what is no checkpoint.
    package func rootPrefix(ofBase text: String) throws(Failure) -> String {
        let reference = try ObjectReference(text)
        let named: StoredObject
        switch reference {
        case .digest(let prefix): return prefix
        case .either(let name, let prefix):
            guard let object = try catalog.object(named: name) else { return prefix }
            named = object
        case .name: named = try object(reference)
        }
        guard let root = named.resultRoot else {
            throw Failure(
                .usage, "this is no base: it gives back no checkpoint", object: text, path: path,
                hint: "name a checkpoint, or give the beginning of its fingerprint")
        }
        return "\(root)"
    }
}
