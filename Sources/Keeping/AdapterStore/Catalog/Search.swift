package import Diagnostics
import Digests

/// What is asked of the names of a store; all that is said must hold.
package struct Search: Sendable {
    /// `*` is any run of characters, `?` any one; against name and tag where it has a colon, else against the name alone.
    package var pattern: String?
    package var base: String?
    package var digest: String?
    package var method: String?
    package var rank: Int?
    package var sort: ObjectFacts.Sort?
    package var metadata: [(key: String, value: String)] = []
    /// How many to find at most; nil for all.
    package var limit: Int?

    package init() {}
}

/// What a search found.
package struct SearchResult: Sendable {
    /// Sorted by name and tag.
    package let found: [NamedObject]
    /// Whether there are more than were asked for.
    package let isCut: Bool
}

extension AdapterStore {
    package func search(_ search: Search) throws(Failure) -> SearchResult {
        try catalog.search(search)
    }
}

/// One condition on the object of a name: which rows of `object` fulfill it, as a question that an index answers.
private struct Condition {
    let rows: String
    let values: [SQLValue]
}

extension Catalog {
    /// So many objects at most are looked up one by one; beyond that the names are gone through in their order, which soon
    /// has found as many as are asked for.
    private static let few = 2000

    func search(_ search: Search) throws(Failure) -> SearchResult {
        let conditions = try conditions(of: search)
        return try connection.reading { () throws(Failure) in
            var driver: (condition: Int, count: Int)?
            for (number, condition) in conditions.enumerated() {
                let count = try count(condition)
                if count <= Self.few && count < driver?.count ?? .max { driver = (number, count) }
            }
            return try find(search, conditions, driver: driver?.condition)
        }
    }

    /// How many rows fulfill it, as far as that matters.
    private func count(_ condition: Condition) throws(Failure) -> Int {
        try connection.first(
            "SELECT count(*) FROM (\(condition.rows) LIMIT \(Self.few + 1))", condition.values
        ) { row throws(Failure) in row.integer(0) } ?? 0
    }

    private func find(
        _ search: Search, _ conditions: [Condition], driver: Int?
    ) throws(Failure) -> SearchResult {
        var values: [SQLValue] = []
        var sql = "SELECT name, tag, \(Self.columns) FROM "
        if let driver {
            // CROSS keeps SQLite from choosing another order.
            sql += "(\(conditions[driver].rows)) AS few CROSS JOIN object ON object.id = few.id "
            sql += "CROSS JOIN name ON name.object = object.id WHERE TRUE"
            values += conditions[driver].values
        } else {
            sql += "name CROSS JOIN object ON object.id = name.object WHERE TRUE"
        }
        if let pattern = search.pattern {
            let hasTag = pattern.contains(":")
            let prefix = String(pattern.prefix { !"*?[:".contains($0) })
            if !prefix.isEmpty {
                // An upper bound that no character of a name reaches.
                sql += " AND name >= ? AND name < ?"
                values += [.text(prefix), .text(prefix + "\u{7F}")]
            }
            sql += hasTag ? " AND name || ':' || tag GLOB ?" : " AND name GLOB ?"
            values.append(.text(pattern))
        }
        for (number, condition) in conditions.enumerated() where number != driver {
            sql += " AND object.id IN (\(condition.rows))"
            values += condition.values
        }
        sql += " ORDER BY name, tag"
        if let limit = search.limit { sql += " LIMIT \(limit + 1)" }
        var found = try connection.rows(sql, values) { row throws(Failure) in
            NamedObject(name: try StoreName(row.text(0) + ":" + row.text(1)), object: try object(row, from: 2))
        }
        let isCut = found.count > search.limit ?? .max
        if isCut { found.removeLast() }
        return SearchResult(found: found, isCut: isCut)
    }

    private func conditions(of search: Search) throws(Failure) -> [Condition] {
        var conditions: [Condition] = []
        if let method = search.method {
            conditions.append(Condition(rows: "SELECT id FROM object WHERE method = ?", values: [.text(method)]))
        }
        if let rank = search.rank {
            conditions.append(Condition(rows: "SELECT id FROM object WHERE rank = ?", values: [.integer(rank)]))
        }
        if let sort = search.sort {
            conditions.append(
                Condition(rows: "SELECT id FROM object WHERE sort = ?", values: [.integer(sort.rawValue)]))
        }
        if let base = search.base { conditions.append(try Self.between("base_root", base)) }
        if let digest = search.digest { conditions.append(try Self.between("digest", digest)) }
        for (key, value) in search.metadata {
            conditions.append(
                Condition(
                    rows: "SELECT object AS id FROM metadata WHERE key = ? AND value = ?",
                    values: [.text(key), .text(value)]))
        }
        return conditions
    }

    /// The rows whose digest in `column` begins so.
    private static func between(_ column: String, _ prefix: String) throws(Failure) -> Condition {
        let prefix = prefix.hasPrefix("sha256:") ? String(prefix.dropFirst(7)) : prefix
        guard case .digest(let digits) = try ObjectReference("sha256:" + prefix) else {
            throw Failure(.internal, "a digest was taken for a name", object: prefix)
        }
        return Condition(
            rows: "SELECT id FROM object WHERE \(column) BETWEEN ? AND ?",
            values: [.digest(Digest(prefix: digits, filledWith: "0")), .digest(Digest(prefix: digits, filledWith: "f"))])
    }
}
