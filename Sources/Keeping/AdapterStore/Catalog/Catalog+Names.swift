import Diagnostics
import Digests

extension Catalog {
    /// What a name stands for, nil where there is no such name.
    func object(named name: StoreName) throws(Failure) -> StoredObject? {
        try connection.first(
            "SELECT \(Self.columns) FROM name JOIN object ON object.id = name.object WHERE name = ? AND tag = ?",
            [.text(name.name), .text(name.tag)]
        ) { row throws(Failure) in try object(row) }
    }

    /// The names of an object, sorted.
    func names(of row: Int) throws(Failure) -> [StoreName] {
        try connection.rows(
            "SELECT name, tag FROM name WHERE object = ? ORDER BY name, tag", [.integer(row)]
        ) { row throws(Failure) in try StoreName(row.text(0) + ":" + row.text(1)) }
    }

    /// The first tags of a name.
    func tags(of name: String) throws(Failure) -> [String] {
        try connection.rows("SELECT tag FROM name WHERE name = ? ORDER BY tag LIMIT 8", [.text(name)]) {
            row throws(Failure) in row.text(0)
        }
    }

    /// Every name and what it stands for, sorted by name and tag.
    func names() throws(Failure) -> [(name: StoreName, digest: Digest)] {
        try connection.rows(
            "SELECT name, tag, digest FROM name JOIN object ON object.id = name.object ORDER BY name, tag"
        ) { row throws(Failure) in (try StoreName(row.text(0) + ":" + row.text(1)), try row.digest(2)) }
    }

    /// All that users said of objects.
    func usersMetadata() throws(Failure) -> [(object: Digest, pair: ReflogLine.Pair)] {
        try connection.rows(
            "SELECT digest, key, value FROM metadata JOIN object ON object.id = metadata.object WHERE is_users = 1"
        ) { row throws(Failure) in
            (try row.digest(0), ReflogLine.Pair(key: row.text(1), value: row.text(2)))
        }
    }

    /// The objects that went in as something else than a container.
    func objectsOfOtherFormats() throws(Failure) -> [Digest] {
        try connection.rows("SELECT digest FROM object WHERE origin NOT IN ('tenon', '')") { row throws(Failure) in
            try row.digest(0)
        }
    }

    /// Lets `name` stand for the object of a row from now on.
    func set(_ name: StoreName, to row: Int, generation: Int, at time: Int64) throws(Failure) {
        // What it stood for may have no name now: it begins to rest.
        try connection.execute(
            """
            UPDATE object SET used = max(used, ?1)
            WHERE id = (SELECT object FROM name WHERE name = ?2 AND tag = ?3)
            """, [.integer(time), .text(name.name), .text(name.tag)])
        try connection.execute(
            """
            INSERT INTO name VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (name, tag) DO UPDATE SET object = ?3, generation = ?4, updated = ?5
            """,
            [.text(name.name), .text(name.tag), .integer(row), .integer(generation), .integer(time)])
        try touch(row, at: time)
    }

    func remove(_ name: StoreName) throws(Failure) {
        try connection.execute(
            "DELETE FROM name WHERE name = ? AND tag = ?", [.text(name.name), .text(name.tag)])
    }

    /// Notes that something was done with an object: it is not collected before it has rested again.
    func touch(_ row: Int, at time: Int64) throws(Failure) {
        try connection.execute("UPDATE object SET used = max(used, ?) WHERE id = ?", [.integer(time), .integer(row)])
    }

    // MARK: What needs what

    /// The objects that are to be kept and cannot be had without the object of a row, unless another that is named gives the
    /// same checkpoint.
    func dependents(of row: Int) throws(Failure) -> [StoredObject] {
        // Hardly any object has deltas on it, and to find out which are live means to go through all names.
        let candidate = try connection.first(
            """
            SELECT 1 FROM object AS giver JOIN object AS delta ON delta.base_root = giver.result_root
            WHERE giver.id = ? AND giver.result_root IS NOT NULL AND delta.method = 'delta' LIMIT 1
            """, [.integer(row)]
        ) { row throws(Failure) in row.integer(0) }
        if candidate == nil { return [] }
        return try connection.rows(
            """
            \(Schema.live)
            SELECT \(Self.columns) FROM object
            WHERE id IN live AND id <> ?1 AND method = 'delta'
                AND base_root = (SELECT result_root FROM object WHERE id = ?1)
                AND NOT EXISTS (
                    SELECT 1 FROM object AS other JOIN name ON name.object = other.id
                    WHERE other.id <> ?1 AND other.state = 0
                        AND other.result_root = (SELECT result_root FROM object WHERE id = ?1))
            ORDER BY digest
            """, [.integer(row)]
        ) { row throws(Failure) in try object(row) }
    }

    /// The objects that give back the checkpoint whose fingerprint is `root`, best first.
    func objects(resultingIn root: Digest) throws(Failure) -> [StoredObject] {
        try connection.rows(
            """
            SELECT \(Self.columns) FROM object WHERE result_root = ?
            ORDER BY object.state, base_root IS NOT NULL, digest
            """, [.digest(root)]
        ) { row throws(Failure) in try object(row) }
    }
}
