import CSQLite
import Diagnostics
import Digests

/// One statement of SQL: its parameters, and the row that it stands at.
@safe
struct Statement: ~Copyable {
    private let handle: OpaquePointer
    private let path: String

    init(_ connection: OpaquePointer, _ sql: String, path: String) throws(Failure) {
        var prepared: OpaquePointer?
        let status = unsafe sqlite3_prepare_v2(connection, sql, -1, &prepared, nil)
        guard status == SQLITE_OK, let handle = unsafe prepared else {
            throw unsafe Failure(sqlite: status, connection, "cannot read the catalog", path: path)
        }
        unsafe self.handle = unsafe handle
        self.path = path
    }

    deinit {
        unsafe sqlite3_finalize(handle)
    }

    /// Gives the parameters, in order, and begins anew.
    borrowing func bind(_ values: [SQLValue]) throws(Failure) {
        unsafe sqlite3_reset(handle)
        for (index, value) in values.enumerated() {
            let number = Int32(index + 1)
            let status =
                switch value {
                case .null: unsafe sqlite3_bind_null(handle, number)
                case .number(let value): unsafe sqlite3_bind_int64(handle, number, value)
                case .text(let text):
                    unsafe Array(text.utf8).withUnsafeBytes { bytes in
                        // An empty array may have no address, which would be taken for null.
                        unsafe bytes.isEmpty
                            ? tenon_sqlite_bind_text(handle, number, "", 0)
                            : tenon_sqlite_bind_text(handle, number, bytes.baseAddress, Int32(clamping: bytes.count))
                    }
                case .blob(let bytes):
                    unsafe bytes.withUnsafeBytes { bytes in
                        unsafe tenon_sqlite_bind_blob(handle, number, bytes.baseAddress, Int32(clamping: bytes.count))
                    }
                }
            guard status == SQLITE_OK else { throw failure(status) }
        }
    }

    /// Goes to the next row; false where there is none.
    borrowing func step() throws(Failure) -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let status: throw failure(status)
        }
    }

    /// Runs it with these parameters for what it changes.
    borrowing func run(_ values: [SQLValue]) throws(Failure) {
        try bind(values)
        while try step() {}
    }

    private borrowing func failure(_ status: Int32) -> Failure {
        unsafe Failure(sqlite: status, sqlite3_db_handle(handle), "cannot use the catalog", path: path)
    }

    // MARK: Columns

    borrowing func isNull(_ column: Int32) -> Bool {
        unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    borrowing func integer(_ column: Int32) -> Int {
        Int(unsafe sqlite3_column_int64(handle, column))
    }

    borrowing func text(_ column: Int32) -> String {
        guard let bytes = unsafe sqlite3_column_text(handle, column) else { return "" }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// Throws ``Failure/Code/catalogCorrupt`` for what is not 32 bytes.
    borrowing func digest(_ column: Int32) throws(Failure) -> Digest {
        guard let bytes = unsafe sqlite3_column_blob(handle, column),
            unsafe sqlite3_column_bytes(handle, column) == 32
        else { throw Failure(catalogCorrupt: path, cause: "a digest has not 32 bytes") }
        return Digest(unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: 32)))
    }
}
