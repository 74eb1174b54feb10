package import Diagnostics
package import Digests

/// All that the catalog knows of an object.
package struct ObjectDetails: Sendable {
    package let object: StoredObject
    package let names: [StoreName]
    package let metadata: [(key: String, value: String)]
    /// The content digests of what it was made from.
    package let parents: [Digest]
    /// What was made from it, as far as the store has that.
    package let children: [StoredObject]
    /// What cannot be had without it.
    package let dependents: [StoredObject]
}

extension AdapterStore {
    /// What is known of the object that `reference` names.
    package func details(of reference: ObjectReference) throws(Failure) -> ObjectDetails {
        try catalog.connection.reading { () throws(Failure) in
            let object = try object(reference)
            return ObjectDetails(
                object: object, names: try catalog.names(of: object.row),
                metadata: try catalog.metadata(of: object.row), parents: try catalog.parents(of: object.row),
                children: try catalog.children(of: object.content), dependents: try catalog.dependents(of: object.row))
        }
    }
}
