/// The tables of a catalog: `Spec/store.md`, "Catalog".
enum Schema {
    /// "tenS", which tells a catalog from other SQLite files.
    static let application = 0x7465_6E53
    static let version = 1

    /// What makes an empty catalog, statement by statement.
    static let statements = [
        """
        CREATE TABLE state (
            only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
            generation INTEGER NOT NULL CHECK (generation >= 0)
        ) STRICT
        """,
        "INSERT INTO state VALUES (1, 0)",
        """
        CREATE TABLE object (
            id INTEGER PRIMARY KEY,
            digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
            content BLOB NOT NULL CHECK (length(content) = 32),
            blob BLOB CHECK (length(blob) = 32),
            sort INTEGER NOT NULL,
            method TEXT NOT NULL,
            rank INTEGER,
            parameters INTEGER NOT NULL,
            stored_bytes INTEGER NOT NULL,
            logical_bytes INTEGER NOT NULL,
            input_bytes INTEGER NOT NULL,
            base_root BLOB CHECK (length(base_root) = 32),
            result_root BLOB CHECK (length(result_root) = 32),
            origin TEXT NOT NULL,
            added INTEGER NOT NULL,
            used INTEGER NOT NULL,
            checked INTEGER NOT NULL,
            check_level INTEGER NOT NULL,
            state INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX object_content ON object (content)",
        "CREATE INDEX object_sort ON object (sort)",
        "CREATE INDEX object_method ON object (method)",
        "CREATE INDEX object_rank ON object (rank)",
        "CREATE INDEX object_base ON object (base_root)",
        "CREATE INDEX object_result ON object (result_root) WHERE result_root IS NOT NULL",
        "CREATE INDEX object_checked ON object (checked)",
        """
        CREATE TABLE name (
            name TEXT NOT NULL,
            tag TEXT NOT NULL,
            object INTEGER NOT NULL REFERENCES object (id),
            generation INTEGER NOT NULL,
            updated INTEGER NOT NULL,
            PRIMARY KEY (name, tag)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX name_object ON name (object)",
        """
        CREATE TABLE metadata (
            object INTEGER NOT NULL REFERENCES object (id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            is_users INTEGER NOT NULL,
            PRIMARY KEY (object, key)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX metadata_value ON metadata (key, value)",
        """
        CREATE TABLE parent (
            object INTEGER NOT NULL REFERENCES object (id) ON DELETE CASCADE,
            content BLOB NOT NULL CHECK (length(content) = 32),
            PRIMARY KEY (object, content)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX parent_content ON parent (content)",
        """
        CREATE TABLE trash (
            digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
            since INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE outbox (
            generation INTEGER PRIMARY KEY,
            line TEXT NOT NULL
        ) STRICT
        """,
        "PRAGMA application_id = \(application)",
        "PRAGMA user_version = \(version)",
    ]

    /// The objects that a name stands for, and those that they are made on: a common table to put before a question.
    static let live = "WITH RECURSIVE " + table("live", from: "SELECT object FROM name")

    /// As ``live``, and beside it the objects that were used since the time of parameter 1, with those that they are made on.
    static let liveAndResting =
        live + ", " + table("resting", from: "SELECT id FROM object AS lately WHERE lately.used >= ?1")

    private static func table(_ name: String, from seed: String) -> String {
        """
        \(name) (id) AS (
            \(seed)
            UNION
            SELECT base.id FROM \(name)
            JOIN object AS delta ON delta.id = \(name).id AND delta.method = 'delta' AND delta.base_root IS NOT NULL
            JOIN object AS base ON base.result_root = delta.base_root AND base.id <> delta.id
        )
        """
    }
}
