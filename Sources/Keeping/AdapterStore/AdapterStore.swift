package import Diagnostics
package import Digests
import Files

/// A folder that keeps containers: each once, under its digest, found by name, safe against crashes.
///
/// Several processes may use one at the same time; there is no daemon. Every operation is there whole when it returns, or
/// not at all. `Spec/store.md` has the layout, the protocols and what they promise. Used by one thread at a time.
package final class AdapterStore {
    /// In milliseconds, how long to wait for other processes, unless told.
    package static let usualPatience = 10_000

    package let layout: StoreLayout
    let catalog: Catalog
    let reflog: Reflog
    let patience: Int

    package var path: String { layout.root }

    /// Opens the store in the folder at `path`.
    ///
    /// Throws ``Failure/Code/notAStore`` where there is none, ``Failure/Code/storeTooNew`` and
    /// ``Failure/Code/catalogTooNew`` for one that a newer version wrote, and ``Failure/Code/catalogCorrupt`` where the
    /// catalog is missing, damaged or older than the reflog.
    ///
    /// - Parameter patience: In milliseconds, how long to wait for other processes before ``Failure/Code/busy``.
    package convenience init(at path: String, patience: Int = usualPatience) throws(Failure) {
        let format = try StoreLayout.formatFile(in: path)
        guard format == .whole else {
            throw Failure(
                .notAStore, "the store's file `format` is \(format == .missing ? "not there" : "damaged")", path: path,
                hint: "`tenon store repair` writes it anew")
        }
        try self.init(opening: StoreLayout(path), patience: patience)
    }

    /// Opens a store whatever its file `format` says.
    init(opening layout: StoreLayout, patience: Int) throws(Failure) {
        self.layout = layout
        self.patience = patience
        reflog = Reflog(layout: layout, patience: patience)
        // In this order: a line is logged after it is committed, so a catalog read later knows all that was logged.
        let logged = try reflog.generation()
        catalog = try Catalog(at: layout.catalog, patience: patience)
        let generation = try catalog.generation()
        guard generation >= logged else {
            throw Failure(
                catalogCorrupt: layout.catalog,
                cause: "it is older than the reflog: it knows \(generation) operations of \(logged)")
        }
    }

    /// Opens the store that ``StorePlace`` finds.
    package convenience init(asked: String?, patience: Int = usualPatience) throws(Failure) {
        try self.init(at: try StorePlace.resolve(asked), patience: patience)
    }

    // MARK: Finding

    /// The object that `reference` names.
    ///
    /// Throws ``Failure/Code/notFound`` where there is none, ``Failure/Code/ambiguous`` where several digests begin so.
    package func object(_ reference: ObjectReference) throws(Failure) -> StoredObject {
        switch reference {
        case .name(let name):
            if let object = try catalog.object(named: name) { return object }
            throw notFound(name)
        case .digest(let prefix):
            if let object = try object(prefix: prefix) { return object }
            throw Failure(.notFound, "no object's digest begins so", object: prefix, path: path)
        case .either(let name, let prefix):
            if let object = try catalog.object(named: name) { return object }
            if let object = try object(prefix: prefix) { return object }
            throw notFound(name)
        }
    }

    private func object(prefix: String) throws(Failure) -> StoredObject? {
        let objects = try catalog.objects(prefix: prefix)
        guard objects.count < 2 else {
            throw Failure(
                .ambiguous, "several objects' digests begin so", object: prefix, path: path, hint: "give more digits")
        }
        return objects.first
    }

    func notFound(_ name: StoreName) -> Failure {
        let failure = Failure(.notFound, "the store has no such name", object: "\(name)", path: path)
        let tags = (try? catalog.tags(of: name.name)) ?? []
        return tags.isEmpty ? failure : failure.hint("its tags are \(tags.joined(separator: ", "))")
    }

    package func names(of object: StoredObject) throws(Failure) -> [StoreName] {
        try catalog.names(of: object.row)
    }

    /// What its container and its user say of an object.
    package func metadata(of object: StoredObject) throws(Failure) -> [(key: String, value: String)] {
        try catalog.metadata(of: object.row)
    }

    /// The objects that give back the checkpoint whose fingerprint is `root`: whole ones first, and those that need no base.
    package func objects(resultingIn root: Digest) throws(Failure) -> [StoredObject] {
        try catalog.objects(resultingIn: root)
    }

    /// The objects that an object needs its own for, as long as they are kept.
    package func dependents(of object: StoredObject) throws(Failure) -> [StoredObject] {
        try catalog.dependents(of: object.row)
    }

    // MARK: Operations

    /// Runs `body` as one operation on the catalog, and puts its line into the reflog.
    ///
    /// - Returns: A warning where the reflog could not be written: the operation stands, and the next one logs it.
    func operate(
        _ body: (_ generation: Int, _ time: Int64) throws(Failure) -> ReflogLine?
    ) throws(Failure) -> Finding? {
        let logged = try reflog.catchUp(with: catalog)
        let time = Syscalls.realTimeNanoseconds()
        let isChanged = try catalog.operation(loggedUpTo: logged) { generation throws(Failure) in
            try body(generation, time)
        }
        guard isChanged else { return nil }
        do throws(Failure) {
            try reflog.catchUp(with: catalog)
            return nil
        } catch {
            return Finding("reflog-behind", "the operation stands, but is not in the reflog yet: \(error)")
        }
    }

    /// Holds the collector off, or everybody else where `mode` is exclusive, while `body` runs.
    func holding<Value>(
        _ mode: FileLock.Mode, _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let lock = try FileLock(
            layout.collectorLock, mode, patience: patience,
            reason: mode == .shared
                ? "another process is collecting or repairing the store" : "other processes are using the store")
        return try withExtendedLifetime(lock) { () throws(Failure) in try body() }
    }
}
