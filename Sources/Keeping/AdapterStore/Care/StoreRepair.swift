package import Diagnostics
import Digests
import Files
package import Parallelism

/// Mends what a check finds, as far as that can be done without anything but the store itself: `Spec/store.md`,
/// "Repairing". Nothing is deleted; what is damaged goes to the quarantine.
package struct StoreRepair {
    package struct Options: Sendable {
        /// How deep to look at the objects.
        package var level = CheckLevel.full
        /// Gives up names whose objects are gone.
        package var dropsNames = false
        package var patience = AdapterStore.usualPatience
        package var lanes: Lanes

        package init(lanes: Lanes) {
            self.lanes = lanes
        }
    }

    private let layout: StoreLayout
    private let options: Options
    private var report = CheckReport()

    /// Repairs the store in the folder at `path`; the findings are what was done, and those that are damage what could not
    /// be mended.
    package static func run(_ path: String, _ options: Options) throws(Failure) -> CheckReport {
        let format = try StoreLayout.formatFile(in: path)
        var repair = StoreRepair(layout: StoreLayout(path), options: options)
        let lock = try FileLock(
            repair.layout.collectorLock, .exclusive, patience: options.patience,
            reason: "other processes are using the store")
        return try withExtendedLifetime(lock) { () throws(Failure) in
            try repair.mend(format)
            return repair.report
        }
    }

    private init(layout: StoreLayout, options: Options) {
        self.layout = layout
        self.options = options
    }

    private mutating func mend(_ format: StoreLayout.FormatFile) throws(Failure) {
        for folder in layout.folders where try Folder.kind(of: folder) == nil { try Folder.make(folder) }
        // What a reflog that was being written left behind.
        for entry in try Folder.entries(of: layout.root) where entry.name.hasPrefix(".reflog.tenon-") {
            try Folder.remove(Paths.joined(layout.root, entry.name))
        }
        let store = try openOrRebuild()
        try mendFormat(format)
        try store.sweep()
        try mendObjects(of: store)
        if options.dropsNames { try dropNames(in: store) }
        try mendReflog(of: store)
        for object in try store.catalog.objects() where object.state != .whole {
            report.findings.append(
                CheckFinding(
                    "object-missing", object: object.digest, names: try store.names(of: object),
                    "it is lost until it is added again"))
        }
    }

    private mutating func note(_ code: String, _ digest: Digest? = nil, _ detail: String) {
        report.findings.append(CheckFinding(code, isDamage: false, object: digest, detail))
    }

    /// Only once the catalog is known to be one that this version may change.
    private mutating func mendFormat(_ format: StoreLayout.FormatFile) throws(Failure) {
        if format == .whole { return }
        if format == .damaged { try layout.quarantine(layout.format, as: "format") }
        try StorePlace.write(Array(StoreLayout.formatText.utf8), to: layout.format)
        note("format-rewritten", nil, "it says that this is a store")
    }

    // MARK: The catalog

    private mutating func openOrRebuild() throws(Failure) -> AdapterStore {
        do throws(Failure) {
            let store = try AdapterStore(opening: layout, patience: options.patience)
            try store.catalog.check(thoroughly: true)
            // Rows may be well-formed and mean nothing all the same.
            _ = try store.catalog.objects()
            _ = try store.catalog.names()
            return store
        } catch {
            guard error.code == .catalogCorrupt || error.code == .badName else { throw error }
            note("catalog-rebuilt", nil, error.cause ?? error.what)
        }
        // What it committed last may not be in the reflog yet.
        if let catalog = try? Catalog(at: layout.catalog, patience: options.patience) {
            _ = try? Reflog(layout: layout, patience: options.patience).catchUp(with: catalog)
        }
        try rebuild()
        return try AdapterStore(opening: layout, patience: options.patience)
    }

    private mutating func rebuild() throws(Failure) {
        let staging = try Staging(in: layout)
        let place = staging.place(of: "catalog.db")
        do {
            let catalog = try Catalog.create(at: place)
            let content = try Reflog(layout: layout, patience: options.patience).content()
            try fill(catalog, content)
            try tellLostNames(catalog, content)
        }
        // The journal after the catalog that it belongs to, and both before the new one is there to take it for its own.
        for path in [layout.catalog, layout.catalog + "-journal"] where try Folder.kind(of: path) != nil {
            try layout.quarantine(path, as: Paths.lastComponent(of: path))
        }
        guard try Folder.move(place, to: layout.catalog) else {
            throw Failure(.busy, "another process made a catalog meanwhile", path: layout.catalog)
        }
        try Folder.flush(layout.root)
    }

    /// Names are nowhere but in the catalog and the reflog: where both are lost somebody must give them anew.
    private mutating func tellLostNames(_ catalog: Catalog, _ content: Reflog.Content) throws(Failure) {
        guard try Folder.kind(of: layout.reflog) == nil || content.damagedLines > 0 else { return }
        let nameless = try catalog.connection.first(
            "SELECT count(*) FROM object WHERE id NOT IN (SELECT object FROM name)"
        ) { row throws(Failure) in row.integer(0) }
        guard let nameless, nameless > 0 else { return }
        report.findings.append(
            CheckFinding(
                "names-lost",
                "\(nameless) objects have no name, for the reflog is lost too: name those that are to be kept (tenon store tag "
                    + "sha256:DIGEST NAME) before gc collects them in a day"))
    }

    private mutating func fill(_ catalog: Catalog, _ content: Reflog.Content) throws(Failure) {
        var replay = Replay()
        replay.take(content.lines)
        // Of what nobody remembers anything, time is left to find out what it was.
        let now = Syscalls.realTimeNanoseconds()
        var whole: [(facts: ObjectFacts, added: Int64)] = []
        for digest in try ObjectFiles(layout).sizes.keys {
            let path = layout.object(digest)
            // The files that are damaged are dealt with later, as rows or as strangers.
            switch try examination(.structure).look(at: path, of: digest) {
            case .whole(let facts), .wholeAtSecondLook(let facts, _):
                whole.append((facts, try InputFile(path: path).identity.modified))
            case .damaged: continue
            }
        }
        whole.sort { ($0.added, "\($0.facts.digest)") < ($1.added, "\($1.facts.digest)") }
        try catalog.connection.transaction { () throws(Failure) in
            for (facts, added) in whole {
                let put = replay.puts[facts.digest]
                let row = try catalog.insert(
                    facts, inputBytes: put?.inputBytes ?? facts.storedBytes, origin: put?.origin ?? "tenon",
                    added: added,
                    used: replay.used[facts.digest] ?? now, check: nil)
                for pair in put?.metadata ?? [] { try catalog.insert(pair.key, pair.value, of: row, isUsers: true) }
            }
            for (name, standing) in replay.names.sorted(by: { $0.value.generation < $1.value.generation }) {
                var row = try catalog.object(standing.object)?.row
                if row == nil { row = try catalog.insertPlaceholder(standing.object, at: standing.time) }
                guard let row else { continue }
                try catalog.set(name, to: row, generation: standing.generation, at: standing.time)
            }
            try catalog.connection.execute("UPDATE state SET generation = ?", [.integer(content.generation)])
        }
    }

    private func examination(_ level: CheckLevel) -> Examination {
        Examination(level: level, lanes: options.lanes)
    }

    // MARK: The objects

    private mutating func mendObjects(of store: AdapterStore) throws(Failure) {
        let files = try ObjectFiles(layout)
        for stranger in files.strangers {
            try layout.quarantine(stranger, as: Paths.lastComponent(of: stranger))
            note("stranger", nil, "\(stranger) is in the quarantine")
        }
        var known: Set<Digest> = []
        for object in try store.catalog.objects() {
            known.insert(object.digest)
            try mend(object, isThere: files.sizes[object.digest] != nil, in: store)
        }
        for digest in files.sizes.keys.sorted(by: { "\($0)" < "\($1)" }) where !known.contains(digest) {
            try takeIn(digest, in: store)
        }
    }

    private mutating func mend(
        _ object: StoredObject, isThere: Bool, in store: AdapterStore
    ) throws(Failure) {
        try Cancellation.check()
        report.objectCount += 1
        report.byteCount += object.storedBytes
        guard isThere else {
            if object.state != .missing { try set(.missing, object, in: store) }
            return
        }
        let path = layout.object(object.digest)
        switch try examination(max(options.level, .structure)).look(at: path, of: object.digest) {
        case .whole(let facts), .wholeAtSecondLook(let facts, _):
            if !facts.agrees(with: object) {
                note("catalog-differs", object.digest, "the catalog has it as the file says now")
            } else if object.state == .whole {
                return
            } else {
                note("object-healed", object.digest, "it is whole again")
            }
            try store.catalog.connection.transaction { () throws(Failure) in
                _ = try store.catalog.insert(
                    facts, inputBytes: object.inputBytes, origin: object.origin, added: object.added,
                    used: object.added,
                    check: nil)
            }
        case .damaged(let failure):
            try layout.quarantine(path, as: "\(object.digest)")
            try Folder.flush(layout.folder(of: object.digest))
            note("object-quarantined", object.digest, failure.description)
            try set(.missing, object, in: store)
        }
    }

    private func set(_ state: StoredObject.State, _ object: StoredObject, in store: AdapterStore) throws(Failure) {
        try store.catalog.connection.transaction { () throws(Failure) in try store.catalog.set(state, of: object.row) }
    }

    private mutating func takeIn(_ digest: Digest, in store: AdapterStore) throws(Failure) {
        let path = layout.object(digest)
        switch try examination(max(options.level, .structure)).look(at: path, of: digest) {
        case .whole(let facts), .wholeAtSecondLook(let facts, _):
            let file = try InputFile(path: path)
            let now = Syscalls.realTimeNanoseconds()
            try store.catalog.connection.transaction { () throws(Failure) in
                _ = try store.catalog.insert(
                    facts, inputBytes: file.size, origin: "tenon", added: file.identity.modified, used: now, check: nil)
            }
            note("object-extra", digest, "the catalog has it now, without a name")
        case .damaged(let failure):
            try layout.quarantine(path, as: "\(digest)")
            try Folder.flush(layout.folder(of: digest))
            note("object-quarantined", digest, failure.description)
        }
    }

    // MARK: Names

    private mutating func dropNames(in store: AdapterStore) throws(Failure) {
        var lost: [StoreName] = []
        for object in try store.catalog.objects() where object.state != .whole { lost += try store.names(of: object) }
        guard !lost.isEmpty else { return }
        for object in try store.catalog.objects() where object.state == .missing {
            for dependent in try store.catalog.dependents(of: object.row) {
                report.findings.append(
                    CheckFinding(
                        "base-missing", object: dependent.digest, names: try store.names(of: dependent),
                        "it cannot be had without \(object.digest), which is lost: add that again"))
            }
        }
        _ = try store.operate { generation, time throws(Failure) in
            for name in lost { try store.catalog.remove(name) }
            return ReflogLine(
                generation: generation, time: time, settings: lost.map { ReflogLine.Setting(name: $0, object: nil) })
        }
        for object in try store.catalog.objects() where object.state == .missing {
            try store.catalog.connection.transaction { () throws(Failure) in
                try store.catalog.connection.execute("DELETE FROM object WHERE id = ?", [.integer(object.row)])
            }
        }
        note("names-dropped", nil, lost.map(\.description).joined(separator: ", "))
    }

    /// Writes the reflog anew from the catalog where it does not give the names and metadata that the catalog has.
    private mutating func mendReflog(of store: AdapterStore) throws(Failure) {
        try store.reflog.catchUp(with: store.catalog)
        let content = try store.reflog.content()
        var replay = Replay()
        replay.take(content.lines)
        let isThere = try Folder.kind(of: layout.reflog) == .file
        if isThere, content.damagedLines == 0, try replay.agrees(with: store.catalog) { return }
        if isThere { try layout.quarantine(layout.reflog, as: "reflog") }
        try store.writeReflogAnew()
        note("reflog-rewritten", nil, "it has the names that the catalog has")
    }
}
