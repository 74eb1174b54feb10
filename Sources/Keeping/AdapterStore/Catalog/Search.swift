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
    /// Whether to find, too, what has no name.
    package var includesNameless = false
    /// How many to find at most; nil for all.
    package var limit: Int?

    package init() {}
}

/// What a search found.
package struct SearchResult: Sendable {
    /// Sorted by name and tag.
    package let found: [NamedObject]
    /// Objects without a name, where they were asked for, in the order of their digests.
    package var nameless: [StoredObject] = []
    /// Whether there are more than were asked for.
    package let isCut: Bool
}

extension AdapterStore {
    package func search(_ search: Search) throws(Failure) -> SearchResult {
        try catalog.search(search)
    }
}

/// One condition on the object of a name.
private struct Condition {
    /// The rows of `object` that fulfill it, as a question that an index answers.
    let rows: String
    /// The same, asked of a row at hand.
    let predicate: String
    let values: [SQLValue]

    init(column: String, _ predicate: String, _ values: [SQLValue]) {
        self.predicate = "object.\(column) \(predicate)"
        rows = "SELECT id FROM object WHERE \(column) \(predicate)"
        self.values = values
    }

    init(key: String, value: String) {
        rows = "SELECT object AS id FROM metadata WHERE key = ? AND value = ?"
        predicate = "EXISTS (SELECT 1 FROM metadata WHERE object = object.id AND key = ? AND value = ?)"
        values = [.text(key), .text(value)]
    }
}

extension Catalog {
    /// More rows than these are not counted: such a condition hardly narrows a search.
    private static let many = 20_000

    func search(_ search: Search) throws(Failure) -> SearchResult {
        let conditions = try conditions(of: search)
        return try connection.reading { () throws(Failure) in
            let result = try find(search, conditions, beginningWith: try narrow(conditions, limit: search.limit))
            return search.includesNameless ? try addNameless(to: result, search, conditions) : result
        }
    }

    private func addNameless(
        to result: SearchResult, _ search: Search, _ conditions: [Condition]
    ) throws(Failure) -> SearchResult {
        var sql = "SELECT \(Self.columns) FROM object WHERE id NOT IN (SELECT object FROM name)"
        for condition in conditions { sql += " AND \(condition.predicate)" }
        sql += " ORDER BY digest"
        let room = search.limit.map { $0 - result.found.count }
        if let room { sql += " LIMIT \(room + 1)" }
        var nameless = try connection.rows(sql, conditions.flatMap(\.values)) { row throws(Failure) in try object(row) }
        let isCut = nameless.count > room ?? .max
        if isCut { nameless.removeLast() }
        return SearchResult(found: result.found, nameless: nameless, isCut: result.isCut || isCut)
    }

    /// The conditions that hold for few rows, those for the fewest first, when it is cheaper to begin with these rows than to
    /// go through the names in their order until as many are found as are asked for; else none.
    private func narrow(_ conditions: [Condition], limit: Int?) throws(Failure) -> [Int] {
        let newest = try connection.first("SELECT max(id) FROM object") { row throws(Failure) in row.integer(0) }
        let total = Double(max(1, newest ?? 0))
        var narrow: [(number: Int, count: Int)] = []
        var share = 1.0
        for (number, condition) in conditions.enumerated() {
            let count = try count(condition)
            guard count <= Self.many else { continue }
            share *= Double(count) / total
            narrow.append((number, count))
        }
        narrow.sort { $0.count < $1.count }
        let names = limit.map { min(total, Double($0) / max(share, 1e-9)) } ?? total
        // A name costs a look at its object, wherever that lies; a row its look at the names beside it, and sorting.
        guard let fewest = narrow.first, Double(fewest.count) <= 2 * names else { return [] }
        return narrow.map(\.number)
    }

    /// How many rows fulfill it, as far as that matters.
    private func count(_ condition: Condition) throws(Failure) -> Int {
        try connection.first(
            "SELECT count(*) FROM (\(condition.rows) LIMIT \(Self.many + 1))", condition.values
        ) { row throws(Failure) in row.integer(0) } ?? 0
    }

    private func find(
        _ search: Search, _ conditions: [Condition], beginningWith narrow: [Int]
    ) throws(Failure) -> SearchResult {
        // First which names, from indices alone where that can be: rows of objects lie far apart. CROSS keeps SQLite from
        // choosing another order.
        let rest = conditions.indices.filter { !narrow.contains($0) }
        var values: [SQLValue] = []
        var sql = "SELECT name.name AS name, name.tag AS tag, name.object AS object FROM "
        if !narrow.isEmpty {
            sql += "(" + narrow.map { conditions[$0].rows }.joined(separator: " INTERSECT ") + ") AS found "
            sql += "CROSS JOIN name ON name.object = found.id"
            values += narrow.flatMap { conditions[$0].values }
        } else {
            sql += "name"
        }
        if !rest.isEmpty { sql += " CROSS JOIN object ON object.id = name.object" }
        sql += " WHERE TRUE"
        if let pattern = search.pattern {
            let prefix = String(pattern.prefix { !"*?[:".contains($0) })
            if !prefix.isEmpty {
                // An upper bound that no character of a name reaches.
                sql += " AND name.name >= ? AND name.name < ?"
                values += [.text(prefix), .text(prefix + "\u{7F}")]
            }
            sql += pattern.contains(":") ? " AND name.name || ':' || name.tag GLOB ?" : " AND name.name GLOB ?"
            values.append(.text(pattern))
        }
        for number in rest {
            sql += " AND \(conditions[number].predicate)"
            values += conditions[number].values
        }
        sql += " ORDER BY name.name, name.tag"
        if let limit = search.limit { sql += " LIMIT \(limit + 1)" }
        sql =
            "SELECT found.name, found.tag, \(Self.columns) FROM (\(sql)) AS found "
            + "CROSS JOIN object ON object.id = found.object ORDER BY found.name, found.tag"
        var found = try connection.rows(sql, values) { row throws(Failure) in
            NamedObject(name: try StoreName(row.text(0) + ":" + row.text(1)), object: try object(row, from: 2))
        }
        let isCut = found.count > search.limit ?? .max
        if isCut { found.removeLast() }
        return SearchResult(found: found, isCut: isCut)
    }

    private func conditions(of search: Search) throws(Failure) -> [Condition] {
        var conditions: [Condition] = []
        if let method = search.method { conditions.append(Condition(column: "method", "= ?", [.text(method)])) }
        if let rank = search.rank { conditions.append(Condition(column: "rank", "= ?", [.integer(rank)])) }
        if let sort = search.sort { conditions.append(Condition(column: "sort", "= ?", [.integer(sort.rawValue)])) }
        if let base = search.base { conditions.append(try Self.between("base_root", base)) }
        if let digest = search.digest { conditions.append(try Self.between("digest", digest)) }
        conditions += search.metadata.map { Condition(key: $0.key, value: $0.value) }
        return conditions
    }

    /// The rows whose digest in `column` begins so.
    private static func between(_ column: String, _ prefix: String) throws(Failure) -> Condition {
        let prefix = prefix.hasPrefix("sha256:") ? String(prefix.dropFirst(7)) : prefix
        guard case .digest(let digits) = try ObjectReference("sha256:" + prefix) else {
            throw Failure(.internal, "a digest was taken for a name", object: prefix)
        }
        return Condition(
            column: column, "BETWEEN ? AND ?",
            [.digest(Digest(prefix: digits, filledWith: "0")), .digest(Digest(prefix: digits, filledWith: "f"))])
    }
}
