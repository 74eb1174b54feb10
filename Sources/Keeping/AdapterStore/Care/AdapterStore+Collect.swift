package import Diagnostics
package import Digests
import Files

/// What a collection removed, or would remove.
package struct CollectReport: Sendable {
    /// The objects' digests and the sizes of their files, in the order of the digests.
    package var removed: [(digest: Digest, bytes: Int)] = []
    /// How many objects are kept because of a name.
    package var keptCount = 0
    /// How many have none, but were used too lately.
    package var restingCount = 0

    package var removedBytes: Int { removed.reduce(0) { $0 + $1.bytes } }
}

extension AdapterStore {
    /// Nobody's object is collected within a day after it was used last, unless told.
    package static let usualGrace: Int64 = 24 * 3600 * 1_000_000_000

    /// Removes the objects that no name stands for and that no named one is made on, once they were not used for `grace`.
    ///
    /// Nothing is removed where anything is not as it should be: that throws ``Failure/Code/objectDamaged`` or
    /// ``Failure/Code/catalogCorrupt``. A row goes first, durably, and its file after that; a collection that was
    /// interrupted is finished by the next.
    ///
    /// - Parameter grace: In nanoseconds.
    package func collect(grace: Int64, isDryRun: Bool) throws(Failure) -> CollectReport {
        try holding(isDryRun ? .shared : .exclusive) { () throws(Failure) in
            try catalog.check(thoroughly: false)
            if !isDryRun {
                try sweep()
                try reflog.catchUp(with: catalog)
                try emptyTrash()
            }
            let files = try ObjectFiles(layout)
            let before = Syscalls.realTimeNanoseconds() - grace
            guard !isDryRun else {
                return try catalog.connection.reading { () throws(Failure) in try mark(files, usedBefore: before).report
                }
            }
            let report = try catalog.connection.transaction { () throws(Failure) in
                let marked = try mark(files, usedBefore: before)
                let now = Syscalls.realTimeNanoseconds()
                for (digest, _) in marked.report.removed {
                    try catalog.connection.execute(
                        "INSERT OR IGNORE INTO trash VALUES (?, ?)", [.digest(digest), .integer(now)])
                }
                for row in marked.rows {
                    try catalog.connection.execute("DELETE FROM object WHERE id = ?", [.integer(row)])
                }
                return marked.report
            }
            try emptyTrash()
            return report
        }
    }

    /// What is to go: the rows of the catalog, and all files, those without a row too.
    private func mark(
        _ files: ObjectFiles, usedBefore time: Int64
    ) throws(Failure) -> (rows: [Int], report: CollectReport) {
        var report = CollectReport()
        var rows: [Int] = []
        var known: Set<Digest> = []
        let marked = try catalog.connection.rows(
            """
            \(Schema.liveAndResting)
            SELECT \(Catalog.columns), id IN live, id IN resting FROM object ORDER BY digest
            """, [.integer(time)]
        ) { row throws(Failure) in (try catalog.object(row), row.integer(18) == 1, row.integer(19) == 1) }
        for (object, isLive, isResting) in marked {
            known.insert(object.digest)
            if isLive {
                try checkKept(object, files)
                report.keptCount += 1
            } else if !isResting {
                rows.append(object.row)
                report.removed.append((object.digest, files.sizes[object.digest] ?? 0))
            } else {
                report.restingCount += 1
            }
        }
        for (digest, bytes) in files.sizes.sorted(by: { "\($0.key)" < "\($1.key)" }) where !known.contains(digest) {
            // Whoever put it died before it counted, or is about to: then it is young.
            let written = try InputFile(path: layout.object(digest)).identity.changed
            if written < time { report.removed.append((digest, bytes)) } else { report.restingCount += 1 }
        }
        return (rows, report)
    }

    /// What is kept must be there, so that what it is made on is known.
    private func checkKept(_ object: StoredObject, _ files: ObjectFiles) throws(Failure) {
        guard !object.method.isEmpty else {
            throw damaged(object, "only its name is known, so nobody can say what it needs")
        }
        guard object.state == .whole else { return }
        guard let size = files.sizes[object.digest] else { throw damaged(object, "its file is not there") }
        guard size == object.storedBytes else { throw damaged(object, "its file has another size") }
    }

    /// Removes the files of what the catalog has given up.
    private func emptyTrash() throws(Failure) {
        let trash = try catalog.connection.rows("SELECT digest FROM trash") { row throws(Failure) in try row.digest(0) }
        guard !trash.isEmpty else { return }
        for digest in trash { try Folder.remove(layout.object(digest)) }
        for folder in Set(trash.map { layout.folder(of: $0) }).sorted() where try Folder.kind(of: folder) != nil {
            try Folder.flush(folder)
        }
        try catalog.connection.transaction { () throws(Failure) in
            for digest in trash {
                try catalog.connection.execute("DELETE FROM trash WHERE digest = ?", [.digest(digest)])
            }
        }
    }
}
