package import Diagnostics
import Digests
import Files
package import Parallelism

/// Looks whether a store is as it should be, and changes nothing: `Spec/store.md`, "Checking".
package struct StoreCheck {
    private let path: String
    private let level: CheckLevel
    private let patience: Int
    private let lanes: Lanes
    private var report = CheckReport()

    /// Checks the store in the folder at `path` to a level. A damaged catalog is a finding too; what makes this throw is that
    /// there is no store, that others keep it busy, or that it cannot be read at all.
    package static func run(
        _ path: String, level: CheckLevel, patience: Int = AdapterStore.usualPatience, lanes: Lanes
    ) throws(Failure) -> CheckReport {
        let format = try StoreLayout.formatFile(in: path)
        var check = StoreCheck(path: path, level: level, patience: patience, lanes: lanes)
        let lock = try check.holdOffCollector()
        try withExtendedLifetime(lock) { () throws(Failure) in
            do throws(Failure) {
                check.tell(format)
                try check.look(at: AdapterStore(opening: StoreLayout(path), patience: patience))
            } catch {
                guard error.code == .catalogCorrupt else { throw error }
                check.report.findings.append(CheckFinding("catalog-corrupt", error.cause ?? error.what))
                try check.lookAtFiles(ObjectFiles(StoreLayout(path)).sizes)
            }
        }
        return check.report
    }

    private init(path: String, level: CheckLevel, patience: Int, lanes: Lanes) {
        self.path = path
        self.level = level
        self.patience = patience
        self.lanes = lanes
    }

    /// Where nothing can be written nobody can collect either.
    private func holdOffCollector() throws(Failure) -> FileLock? {
        do throws(Failure) {
            return try FileLock(
                StoreLayout(path).collectorLock, .shared, patience: patience,
                reason: "another process is collecting or repairing the store")
        } catch {
            guard error.code == .permission || error.code == .cannotCreate else { throw error }
            return nil
        }
    }

    // MARK: Level 0

    private mutating func tell(_ format: StoreLayout.FormatFile) {
        switch format {
        case .whole: break
        case .missing:
            report.findings.append(
                CheckFinding("format-missing", "the file that says that this is a store is not there"))
        case .damaged:
            report.findings.append(CheckFinding("format-damaged", "the file that says that this is a store is damaged"))
        }
    }

    private mutating func look(at store: AdapterStore) throws(Failure) {
        try store.catalog.check(thoroughly: true)
        try lookAtReflog(of: store)
        let files = try ObjectFiles(store.layout)
        for stranger in files.strangers {
            report.findings.append(CheckFinding("stranger", "\(stranger) is no object of the store"))
        }
        var known: Set<Digest> = []
        for object in try store.catalog.objects() {
            known.insert(object.digest)
            try look(at: object, size: files.sizes[object.digest], in: store)
        }
        for (digest, size) in files.sizes.sorted(by: { "\($0.key)" < "\($1.key)" }) where !known.contains(digest) {
            // A put that died before it counted leaves such a file.
            report.findings.append(
                CheckFinding(
                    "object-extra", isDamage: false, object: digest,
                    "a file of \(size) bytes that the catalog does not have; gc removes it, repair takes it in"))
            _ = try examine(digest, size: size, names: [])
        }
        if level >= .bases { try lookAtBases(of: store) }
    }

    private mutating func lookAtReflog(of store: AdapterStore) throws(Failure) {
        guard try Folder.kind(of: store.layout.reflog) == .file else {
            report.findings.append(CheckFinding("reflog-missing", "names would not survive the loss of the catalog"))
            return
        }
        // First, so that a line logged meanwhile is known to the catalog as well.
        let content = try store.reflog.content()
        if try store.reflog.isDamaged(content, beside: store.catalog) {
            report.findings.append(CheckFinding("reflog-damaged", "\(content.damagedLines) lines are damaged"))
            return
        }
        if content.damagedLines > 0 {
            report.findings.append(
                CheckFinding(
                    "reflog-behind", isDamage: false,
                    "its end is damaged; the catalog has that still, and the next change writes it again"))
        }
        var replay = Replay()
        replay.take(content.lines)
        let agrees = try replay.agrees(with: store.catalog)
        guard try store.catalog.generation() == content.generation else { return }
        if !agrees {
            report.findings.append(
                CheckFinding("reflog-differs", "it gives other names or metadata than the catalog has"))
        }
    }

    private mutating func look(
        at object: StoredObject, size: Int?, in store: AdapterStore
    ) throws(Failure) {
        let names = try store.catalog.names(of: object.row)
        guard let size else {
            report.findings.append(
                CheckFinding("object-missing", object: object.digest, names: names, "its file is not there"))
            return
        }
        guard size == object.storedBytes else {
            report.findings.append(
                CheckFinding(
                    "object-size", object: object.digest, names: names,
                    "its file has \(size) bytes instead of \(object.storedBytes)"))
            return
        }
        if object.state != .whole && level < .full {
            report.findings.append(
                CheckFinding(
                    "object-damaged", object: object.digest, names: names,
                    "an earlier check found it \(object.state.word)"))
            return
        }
        guard let facts = try examine(object.digest, size: size, names: names) else { return }
        if !facts.agrees(with: object) {
            report.findings.append(
                CheckFinding(
                    "catalog-differs", object: object.digest, names: names, "the catalog says something else of it"))
        }
    }

    // MARK: Levels 1 to 3

    /// What the file says, where it is whole to the level asked for; nil where it is not, or was not looked at.
    private mutating func examine(
        _ digest: Digest, size: Int, names: [StoreName]
    ) throws(Failure) -> ObjectFacts? {
        report.objectCount += 1
        report.byteCount += size
        guard level >= .structure else { return nil }
        try Cancellation.check()
        let path = StoreLayout(path).object(digest)
        switch try Examination(level: level, lanes: lanes).look(at: path, of: digest) {
        case .whole(let facts): return facts
        case .wholeAtSecondLook(let facts, let first):
            report.findings.append(
                CheckFinding(
                    "second-look", isDamage: false, object: digest, names: names,
                    "ok on the second attempt, which makes the machine suspect: \(first)"))
            return facts
        case .damaged(let failure):
            report.findings.append(
                CheckFinding("object-damaged", object: digest, names: names, failure.description))
            return nil
        }
    }

    /// Where there is no catalog to go by.
    private mutating func lookAtFiles(_ sizes: [Digest: Int]) throws(Failure) {
        for (digest, size) in sizes.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            _ = try examine(digest, size: size, names: [])
        }
    }

    // MARK: Level 4

    private mutating func lookAtBases(of store: AdapterStore) throws(Failure) {
        for object in try store.catalog.objects() {
            guard object.resultRoot != nil, let base = object.baseRoot else { continue }
            let givers = try store.catalog.objects(resultingIn: base)
            guard !givers.contains(where: { $0.state == .whole && $0.digest != object.digest }) else { continue }
            report.findings.append(
                CheckFinding(
                    "base-missing", isDamage: false, object: object.digest, names: try store.names(of: object),
                    "the checkpoint that it is made on (\(base)) is not in the store"))
        }
    }
}
