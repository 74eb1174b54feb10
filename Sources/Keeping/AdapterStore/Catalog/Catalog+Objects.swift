import Diagnostics
import Digests

extension Catalog {
    /// The columns that ``object(_:from:)`` reads, of the table `object`.
    static let columns = """
        object.id, object.digest, object.content, blob, sort, method, rank, parameters, stored_bytes, logical_bytes, \
        input_bytes, base_root, result_root, origin, added, checked, check_level, object.state
        """

    /// Reads the columns of ``columns`` from number `first` on.
    func object(_ row: borrowing Statement, from first: Int32 = 0) throws(Failure) -> StoredObject {
        guard let sort = ObjectFacts.Sort(rawValue: row.integer(first + 4)),
            let level = CheckLevel(rawValue: row.integer(first + 16)),
            let state = StoredObject.State(rawValue: row.integer(first + 17))
        else { throw Failure(catalogCorrupt: path, cause: "an object's row has a number that means nothing") }
        return StoredObject(
            row: row.integer(first), digest: try row.digest(first + 1), content: try row.digest(first + 2), sort: sort,
            method: row.text(first + 5), rank: row.isNull(first + 6) ? nil : row.integer(first + 6),
            parameterCount: row.integer(first + 7), storedBytes: row.integer(first + 8),
            logicalBytes: row.integer(first + 9), inputBytes: row.integer(first + 10),
            baseRoot: row.isNull(first + 11) ? nil : try row.digest(first + 11),
            resultRoot: row.isNull(first + 12) ? nil : try row.digest(first + 12), origin: row.text(first + 13),
            blob: row.isNull(first + 3) ? nil : try row.digest(first + 3), added: Int64(row.integer(first + 14)),
            checked: Int64(row.integer(first + 15)), checkLevel: level, state: state)
    }

    func object(_ digest: Digest) throws(Failure) -> StoredObject? {
        try connection.first("SELECT \(Self.columns) FROM object WHERE digest = ?", [.digest(digest)]) {
            row throws(Failure) in try object(row)
        }
    }

    /// All objects whose digest begins so, two at most.
    func objects(prefix: String) throws(Failure) -> [StoredObject] {
        let bounds: [SQLValue] = [
            .digest(Digest(prefix: prefix, filledWith: "0")), .digest(Digest(prefix: prefix, filledWith: "f")),
        ]
        return try connection.rows(
            "SELECT \(Self.columns) FROM object WHERE digest BETWEEN ? AND ? LIMIT 2", bounds
        ) { row throws(Failure) in try object(row) }
    }

    /// Every object, in the order of the digests.
    func objects() throws(Failure) -> [StoredObject] {
        try connection.rows("SELECT \(Self.columns) FROM object ORDER BY digest") { row throws(Failure) in
            try object(row)
        }
    }

    /// Whole checkpoints that stand by themselves, those first that were used last.
    func snapshots(limit: Int) throws(Failure) -> [StoredObject] {
        try connection.rows(
            """
            SELECT \(Self.columns) FROM object WHERE sort = ? AND base_root IS NULL AND object.state = 0
            ORDER BY used DESC, digest LIMIT ?
            """, [.integer(ObjectFacts.Sort.checkpoint.rawValue), .integer(limit)]
        ) { row throws(Failure) in try object(row) }
    }

    /// The digests of all objects, those first that were not checked for longest.
    func objectsByLastCheck() throws(Failure) -> [Digest] {
        try connection.rows("SELECT digest FROM object ORDER BY checked, digest") { row throws(Failure) in
            try row.digest(0)
        }
    }

    // MARK: Changing

    /// Adds an object, or brings up to date what is known of one: it is whole now. That a container was put does not take
    /// from others the folder or the files that they put in before.
    ///
    /// - Parameters:
    ///   - added: When its file was written, in nanoseconds since 1970.
    ///   - used: When something was done with it last.
    ///   - check: When it was checked and how deep; nil for what nobody has checked.
    /// - Returns: The number of its row.
    func insert(
        _ facts: ObjectFacts, inputBytes: Int, origin: String, added: Int64, used: Int64,
        check: (level: CheckLevel, time: Int64)?
    ) throws(Failure) -> Int {
        try connection.execute(
            """
            INSERT INTO object (
                digest, content, sort, method, rank, parameters, stored_bytes, logical_bytes, input_bytes, base_root,
                result_root, origin, added, used, checked, check_level, state
            ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 0)
            ON CONFLICT (digest) DO UPDATE SET
                content = ?2, sort = ?3, method = ?4, rank = ?5, parameters = ?6, stored_bytes = ?7, logical_bytes = ?8,
                input_bytes = CASE WHEN ?12 = 'tenon' AND origin <> '' THEN input_bytes ELSE ?9 END,
                origin = CASE WHEN ?12 = 'tenon' AND origin <> '' THEN origin ELSE ?12 END, base_root = ?10, result_root = ?11, used = max(used, ?14), checked = ?15,
                check_level = ?16, state = 0, blob = NULL
            """,
            [
                .digest(facts.digest), .digest(facts.content), .integer(facts.sort.rawValue), .text(facts.method),
                .integer(facts.rank), .integer(facts.parameterCount), .integer(facts.storedBytes),
                .integer(facts.logicalBytes), .integer(inputBytes), .digest(facts.baseRoot), .digest(facts.resultRoot),
                .text(origin), .integer(added), .integer(used), .integer(check?.time ?? 0),
                .integer(check?.level.rawValue ?? 0),
            ])
        let row = try connection.first("SELECT id FROM object WHERE digest = ?", [.digest(facts.digest)]) {
            row throws(Failure) in row.integer(0)
        }
        guard let row else { throw Failure(.internal, "an object's row was not kept", path: path) }
        for (key, value) in facts.metadata { try insert(key, value, of: row, isUsers: false) }
        for parent in facts.parents {
            try connection.execute(
                "INSERT OR IGNORE INTO parent VALUES (?, ?)", [.integer(row), .digest(parent)])
        }
        try connection.execute("DELETE FROM trash WHERE digest = ?", [.digest(facts.digest)])
        return row
    }

    /// What a user says of an object goes before what its container says.
    func insert(_ key: String, _ value: String, of row: Int, isUsers: Bool) throws(Failure) {
        let otherwise = isUsers ? "DO UPDATE SET value = excluded.value, is_users = 1" : "DO NOTHING"
        try connection.execute(
            "INSERT INTO metadata VALUES (?, ?, ?, ?) ON CONFLICT (object, key) \(otherwise)",
            [.integer(row), .text(key), .text(value), .integer(isUsers ? 1 : 0)])
    }

    /// A row for an object of which only the digest is known; gives its number.
    func insertPlaceholder(_ digest: Digest, at time: Int64) throws(Failure) -> Int? {
        try connection.execute(
            """
            INSERT OR IGNORE INTO object (
                digest, content, sort, method, parameters, stored_bytes, logical_bytes, input_bytes, origin, added, used,
                checked, check_level, state
            ) VALUES (?1, zeroblob(32), 0, '', 0, 0, 0, 0, '', ?2, ?2, 0, 0, ?3)
            """,
            [.digest(digest), .integer(time), .integer(StoredObject.State.missing.rawValue)])
        return try object(digest)?.row
    }

    func set(_ state: StoredObject.State, of row: Int) throws(Failure) {
        try connection.execute(
            "UPDATE object SET state = ? WHERE id = ?", [.integer(state.rawValue), .integer(row)])
    }

    func setChecked(_ level: CheckLevel, at time: Int64, of row: Int) throws(Failure) {
        try connection.execute(
            "UPDATE object SET checked = ?, check_level = ?, state = 0 WHERE id = ?",
            [.integer(time), .integer(level.rawValue), .integer(row)])
    }

    /// Notes the SHA-256 of an object's file.
    func setBlob(_ blob: Digest, of digest: Digest) throws(Failure) {
        try connection.execute("UPDATE object SET blob = ? WHERE digest = ?", [.digest(blob), .digest(digest)])
    }

    // MARK: What belongs to it

    /// - Parameter onlyUsers: Leaves out what the container says of itself.
    func metadata(of row: Int, onlyUsers: Bool = false) throws(Failure) -> [(key: String, value: String)] {
        try connection.rows(
            "SELECT key, value FROM metadata WHERE object = ? AND is_users >= ? ORDER BY key",
            [.integer(row), .integer(onlyUsers ? 1 : 0)]
        ) { row throws(Failure) in (row.text(0), row.text(1)) }
    }

    func parents(of row: Int) throws(Failure) -> [Digest] {
        try connection.rows(
            "SELECT content FROM parent WHERE object = ? ORDER BY content", [.integer(row)]
        ) { row throws(Failure) in try row.digest(0) }
    }

    /// The objects that say that they were made from this content.
    func children(of content: Digest) throws(Failure) -> [StoredObject] {
        try connection.rows(
            """
            SELECT \(Self.columns) FROM object WHERE id IN (SELECT object FROM parent WHERE content = ?) ORDER BY digest
            """, [.digest(content)]
        ) { row throws(Failure) in try object(row) }
    }
}
