import Diagnostics
import Digests
import Files

/// What a store knows of its objects and their names.
///
/// Objects can be had again from their files, names from the reflog; nothing but this finds them fast.
final class Catalog {
    let connection: Connection
    var path: String { connection.path }

    /// Opens the catalog at `path`.
    ///
    /// Throws ``Failure/Code/catalogCorrupt`` where it is missing or no catalog, ``Failure/Code/catalogTooNew`` for one that a
    /// newer version wrote.
    init(at path: String, patience: Int) throws(Failure) {
        guard try Folder.kind(of: path) == .file else {
            throw Failure(catalogCorrupt: path, cause: "it is not there")
        }
        connection = try Connection.open(path, for: .use, patience: patience)
        let application = try connection.first("PRAGMA application_id") { row throws(Failure) in row.integer(0) }
        guard application == Schema.application else {
            throw Failure(catalogCorrupt: path, cause: "it is no catalog of a store")
        }
        let version = try connection.first("PRAGMA user_version") { row throws(Failure) in row.integer(0) } ?? 0
        guard version <= Schema.version else {
            throw Failure(
                .catalogTooNew, "the store's catalog was written by a newer version", path: path,
                expected: "version \(Schema.version)", actual: "\(version)", hint: "use that version of tenon")
        }
        guard version == Schema.version else { throw Failure(catalogCorrupt: path, cause: "it has no version") }
    }

    /// Whether the file at `path` says of itself that it is a store's catalog, by its first bytes alone.
    static func isOne(at path: String) throws(Failure) -> Bool {
        guard try Folder.kind(of: path) == .file else { return false }
        let file = try InputFile(path: path)
        guard file.size >= 100 else { return false }
        let header = try file.read(at: 0, count: 100)
        let application = header[68..<72].reduce(0) { $0 << 8 | Int($1) }
        return header.starts(with: Array("SQLite format 3\0".utf8)) && application == Schema.application
    }

    private init(_ connection: consuming Connection) {
        self.connection = connection
    }

    /// Makes an empty catalog at `path`, where nothing is.
    @discardableResult
    static func create(at path: String) throws(Failure) -> Catalog {
        let catalog = Catalog(try Connection.open(path, for: .creation, patience: 0))
        try catalog.connection.transaction { () throws(Failure) in
            for statement in Schema.statements { try catalog.connection.execute(statement) }
        }
        return catalog
    }

    /// How many operations have changed it.
    func generation() throws(Failure) -> Int {
        let number = try connection.first("SELECT generation FROM state") { row throws(Failure) in row.integer(0) }
        guard let number else { throw Failure(catalogCorrupt: path, cause: "it has no generation") }
        return number
    }

    /// Looks at every page and every reference, and throws ``Failure/Code/catalogCorrupt`` for what is wrong.
    func check(thoroughly: Bool) throws(Failure) {
        let pragma = thoroughly ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)"
        let said = try connection.first(pragma) { row throws(Failure) in row.text(0) }
        guard said == "ok" else {
            // What cannot be read is not therefore wrong.
            if said?.contains("unable to get the page") == true {
                throw Failure(.inputOutput, "cannot read the catalog", path: path, cause: said)
            }
            throw Failure(catalogCorrupt: path, cause: said)
        }
        guard thoroughly else { return }
        let dangling = try connection.first("PRAGMA foreign_key_check") { row throws(Failure) in row.text(0) }
        if let dangling { throw Failure(catalogCorrupt: path, cause: "a row of \(dangling) refers to nothing") }
    }

    // MARK: Changing

    /// Runs `body` as one operation: all that it changes is there afterwards, with the line that `body` gives in the outbox;
    /// or nothing, where this throws or `body` gives nil.
    ///
    /// - Parameter loggedUpTo: The generation up to which the reflog has the lines.
    @discardableResult
    func operation(
        loggedUpTo logged: Int, _ body: (_ generation: Int) throws(Failure) -> ReflogLine?
    ) throws(Failure) -> Bool {
        try connection.transaction { () throws(Failure) in
            let generation = try generation() + 1
            guard let line = try body(generation) else { return false }
            try connection.execute("UPDATE state SET generation = ?", [.integer(generation)])
            try connection.execute("DELETE FROM outbox WHERE generation <= ?", [.integer(logged)])
            try connection.execute(
                "INSERT INTO outbox VALUES (?, ?)", [.integer(generation), .text(line.text)])
            return true
        }
    }

    /// The lines that the reflog may lack, in order.
    func outbox(after generation: Int) throws(Failure) -> [String] {
        try connection.rows(
            "SELECT line FROM outbox WHERE generation > ? ORDER BY generation", [.integer(generation)]
        ) { row throws(Failure) in row.text(0) }
    }
}
