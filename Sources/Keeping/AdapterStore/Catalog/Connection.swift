import CSQLite
import Diagnostics
import Files

/// An open SQLite database; with ``Statement`` the only one that talks to SQLite.
///
/// Nothing in the file is trusted: its schema runs no functions, its cells are checked, it is never mapped. A commit is on
/// the medium when it returns, with the removal of the journal that ends it. Used by one thread at a time.
@safe
struct Connection: ~Copyable {
    enum Purpose {
        case use, creation
    }

    private let handle: OpaquePointer
    let path: String

    private init(_ handle: OpaquePointer, path: String) {
        unsafe self.handle = unsafe handle
        self.path = path
    }

    /// - Parameter patience: In milliseconds, how long to wait for others that hold the database.
    static func open(_ path: String, for purpose: Purpose, patience: Int) throws(Failure) -> Connection {
        var flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE
        if purpose == .creation { flags |= SQLITE_OPEN_CREATE }
        var opened: OpaquePointer?
        // It refuses links in any part of a path; only the file itself must be none.
        let folder = try Folder.resolved(Paths.parent(of: path))
        let place = Paths.joined(folder, Paths.lastComponent(of: path))
        let status = unsafe sqlite3_open_v2(place, &opened, flags, fileSystem(for: path))
        guard let handle = unsafe opened, status == SQLITE_OK else {
            let failure = unsafe Failure(sqlite: status, opened, "cannot open the catalog", path: path)
            unsafe sqlite3_close(opened)
            throw failure
        }
        let connection = unsafe Connection(handle, path: path)
        unsafe sqlite3_busy_timeout(handle, Int32(clamping: patience))
        unsafe tenon_sqlite_defend(handle)
        for setting in [
            "foreign_keys = ON", "cell_size_check = ON", "mmap_size = 0", "journal_mode = DELETE",
            "synchronous = EXTRA", "cache_size = -65536",
        ] {
            _ = try connection.first("PRAGMA \(setting)") { _ throws(Failure) in () }
        }
        return connection
    }

    deinit {
        unsafe sqlite3_close(handle)
    }

    /// The file system that SQLite asks: its own, or one whose calls meet the faults of a plan and are noted.
    private static func fileSystem(for path: String) -> String? {
        #if FaultInjection
            FaultPlan.isActive || CallLog.isActive ? FaultyFileSystem.name(for: path) : nil
        #else
            nil
        #endif
    }

    borrowing func prepared(_ sql: String) throws(Failure) -> Statement {
        try unsafe Statement(handle, sql, path: path)
    }

    // MARK: Asking

    /// What `read` makes of each row.
    borrowing func rows<Value>(
        _ sql: String, _ values: [SQLValue] = [], _ read: (borrowing Statement) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        let statement = try prepared(sql)
        try statement.bind(values)
        var result: [Value] = []
        while try statement.step() { result.append(try read(statement)) }
        return result
    }

    /// What `read` makes of the first row, nil where there is none.
    borrowing func first<Value>(
        _ sql: String, _ values: [SQLValue] = [], _ read: (borrowing Statement) throws(Failure) -> Value
    ) throws(Failure) -> Value? {
        let statement = try prepared(sql)
        try statement.bind(values)
        return try statement.step() ? try read(statement) : nil
    }

    // MARK: Changing

    /// Runs one statement and tells how many rows it changed.
    @discardableResult
    borrowing func execute(_ sql: String, _ values: [SQLValue] = []) throws(Failure) -> Int {
        let statement = try prepared(sql)
        try statement.bind(values)
        while try statement.step() {}
        return Int(unsafe sqlite3_changes(handle))
    }

    /// The number that the last row inserted was given.
    var lastRow: Int { Int(unsafe sqlite3_last_insert_rowid(handle)) }

    /// Runs `body` as the only writer: all that it changes is there afterwards, or nothing where this throws.
    @discardableResult
    borrowing func transaction<Value>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        try execute("BEGIN IMMEDIATE")
        do throws(Failure) {
            let value = try body()
            try execute("COMMIT")
            return value
        } catch {
            // It has ended already where SQLite itself rolled it back.
            _ = try? execute("ROLLBACK")
            throw error
        }
    }

    /// Runs `body` with one view of the database from beginning to end.
    borrowing func reading<Value>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        try execute("BEGIN")
        defer { _ = try? execute("ROLLBACK") }
        return try body()
    }
}

extension Failure {
    /// What a status of SQLite's means for the catalog at `path`.
    init(sqlite status: Int32, _ handle: OpaquePointer?, _ what: String, path: String) {
        let words = unsafe sqlite3_errstr(status).map { unsafe String(cString: $0) }
        let said = unsafe handle.flatMap { unsafe sqlite3_errmsg($0) }.map { unsafe String(cString: $0) }
        let number = unsafe handle.map { unsafe sqlite3_system_errno($0) } ?? 0
        switch status & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED:
            self.init(
                .busy, "another process is writing to the store", path: path, hint: "try again when it has ended")
        case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_ERROR, SQLITE_MISMATCH, SQLITE_SCHEMA, SQLITE_FORMAT:
            self.init(catalogCorrupt: path, cause: said ?? words)
        case SQLITE_FULL:
            self.init(.noSpace, what, path: path, hint: "free some space there")
        case SQLITE_NOMEM:
            self.init(.outOfMemory, what, path: path)
        case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH:
            // The number of the last call that failed, which need not be the one that this is about.
            let failure = Failure(Errno(number), .output, what, path: path)
            let isAccess = status & 0xFF != SQLITE_IOERR
            let usual: Code = isAccess && status & 0xFF != SQLITE_CANTOPEN ? .permission : .inputOutput
            if status == SQLITE_IOERR | 12 << 8 {
                self.init(.outOfMemory, what, path: path)
            } else if failure.code == .noSpace || (isAccess && failure.code == .permission) {
                self.init(failure.code, what, path: path, cause: failure.cause)
            } else {
                self.init(usual, what, path: path, cause: words)
            }
        default:
            self.init(.internal, what, path: path, cause: said ?? words)
        }
    }

    init(catalogCorrupt path: String, cause: String? = nil) {
        self.init(
            .catalogCorrupt, "the store's catalog is damaged", path: path,
            hint:
                "the objects are untouched: `tenon store repair` makes the catalog anew from them and from the reflog",
            cause: cause)
    }
}
