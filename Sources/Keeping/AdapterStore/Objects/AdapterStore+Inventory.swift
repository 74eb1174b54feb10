package import Diagnostics

extension AdapterStore {
    /// An object, all of its names, and where its file lies.
    package struct Entry: Sendable {
        package let object: StoredObject
        package let names: [StoreName]
        package let path: String
    }

    /// Every object that is not known to be lost, in the order of the digests.
    package func inventory() throws(Failure) -> [Entry] {
        var entries: [Entry] = []
        for object in try catalog.objects() where object.state != .missing {
            try Cancellation.check()
            entries.append(
                Entry(object: object, names: try catalog.names(of: object.row), path: layout.object(object.digest)))
        }
        return entries
    }
}
