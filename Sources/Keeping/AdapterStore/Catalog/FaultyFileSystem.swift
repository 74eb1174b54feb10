#if FaultInjection
    import CSQLite
    import Diagnostics
    import Files

    /// SQLite's own file system, whose calls meet the fault plan first and are noted in the log of calls: so that what can
    /// happen to ours can happen to its.
    ///
    /// A plan knows all calls by the name of the catalog that was opened last; so this is for a process that uses one store,
    /// from one thread.
    enum FaultyFileSystem {
        /// What SQLite is to ask for where the catalog is at `path`.
        static func name(for path: String) -> String {
            unsafe self.path = path
            return registeredName
        }

        private static let registeredName: String = {
            register()
            return "\(name)"
        }()

        private static let name: StaticString = "tenon-faults"
        nonisolated(unsafe) private static var path = ""

        nonisolated(unsafe) private static var system = unsafe sqlite3_vfs()
        nonisolated(unsafe) private static var methods = sqlite3_io_methods()
        /// The tables of methods that were changed, by the address of those they were made of.
        nonisolated(unsafe) private static var tables: [UInt: UnsafeMutablePointer<sqlite3_io_methods>] = unsafe [:]
        /// The names of open files, by their addresses.
        nonisolated(unsafe) private static var names: [UInt: String] = [:]
        /// Journals that were made and not synchronized yet: the first time takes their folder along.
        nonisolated(unsafe) private static var newJournals: Set<String> = []

        private static func register() {
            guard let usual = unsafe sqlite3_vfs_find(nil) else { return }
            unsafe system = usual.pointee
            let own = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
            unsafe own.initialize(to: system)
            unsafe own.pointee.zName = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
            unsafe own.pointee.pNext = nil
            unsafe own.pointee.xOpen = { system, name, file, flags, out in
                guard FaultyFileSystem.allows(.open), let file = unsafe file else { return SQLITE_CANTOPEN }
                let status =
                    unsafe FaultyFileSystem.system.xOpen?(system, name, file, flags, out) ?? SQLITE_CANTOPEN
                if status == SQLITE_OK {
                    unsafe FaultyFileSystem.replaceMethods(of: file)
                    unsafe FaultyFileSystem.noteOpened(file, name.map { unsafe String(cString: $0) } ?? "", flags)
                }
                return status
            }
            unsafe own.pointee.xDelete = { system, name, syncs in
                guard FaultyFileSystem.allows(.unlink) else { return SQLITE_IOERR }
                let status = unsafe FaultyFileSystem.system.xDelete?(system, name, 0) ?? SQLITE_IOERR
                guard status == SQLITE_OK, let name = unsafe name else { return status }
                let path = unsafe String(cString: name)
                CallLog.note(.unlink, path)
                guard syncs != 0 else { return status }
                guard FaultyFileSystem.allows(.fsync) else { return SQLITE_IOERR }
                CallLog.note(.fsync, Paths.parent(of: path))
                return SQLITE_OK
            }
            unsafe sqlite3_vfs_register(own, 0)
        }

        private static func replaceMethods(of file: UnsafeMutablePointer<sqlite3_file>) {
            guard let usual = unsafe file.pointee.pMethods else { return }
            let key = UInt(bitPattern: usual)
            if let table = unsafe tables[key] {
                unsafe file.pointee.pMethods = unsafe UnsafePointer(table)
                return
            }
            unsafe methods = usual.pointee
            let table = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
            unsafe table.initialize(to: usual.pointee)
            unsafe table.pointee.xRead = { file, bytes, count, offset in
                guard FaultyFileSystem.allows(.pread) else { return SQLITE_IOERR }
                return unsafe FaultyFileSystem.methods.xRead?(file, bytes, count, offset) ?? SQLITE_IOERR
            }
            unsafe table.pointee.xWrite = { file, bytes, count, offset in
                if let status = FaultyFileSystem.refusal(.pwrite, SQLITE_IOERR) { return status }
                let status = unsafe FaultyFileSystem.methods.xWrite?(file, bytes, count, offset) ?? SQLITE_IOERR
                if status == SQLITE_OK {
                    let written = unsafe UnsafeRawBufferPointer(start: bytes, count: Int(count))
                    unsafe CallLog.note(written: written, at: Int(offset), FaultyFileSystem.name(of: file))
                }
                return status
            }
            unsafe table.pointee.xTruncate = { file, size in
                if let status = FaultyFileSystem.refusal(.truncate, SQLITE_IOERR) { return status }
                let status = unsafe FaultyFileSystem.methods.xTruncate?(file, size) ?? SQLITE_IOERR
                if status == SQLITE_OK {
                    unsafe CallLog.note(.truncate, FaultyFileSystem.name(of: file), ["\(size)"])
                }
                return status
            }
            unsafe table.pointee.xSync = { file, flags in
                if let status = FaultyFileSystem.refusal(.fsync, SQLITE_IOERR) { return status }
                let status = unsafe FaultyFileSystem.methods.xSync?(file, flags) ?? SQLITE_IOERR
                if status == SQLITE_OK { unsafe FaultyFileSystem.noteSynchronized(FaultyFileSystem.name(of: file)) }
                return status
            }
            unsafe tables[key] = unsafe table
            unsafe file.pointee.pMethods = unsafe UnsafePointer(table)
        }

        private static func name(of file: UnsafeMutablePointer<sqlite3_file>?) -> String {
            unsafe names[UInt(bitPattern: file)] ?? ""
        }

        private static func noteOpened(_ file: UnsafeMutablePointer<sqlite3_file>, _ name: String, _ flags: Int32) {
            unsafe names[UInt(bitPattern: file)] = name
            guard flags & SQLITE_OPEN_CREATE != 0 else { return }
            CallLog.note(.open, name)
            if flags & SQLITE_OPEN_MAIN_JOURNAL != 0 { unsafe newJournals.insert(name) }
        }

        private static func noteSynchronized(_ name: String) {
            CallLog.note(.fsync, name)
            if unsafe newJournals.remove(name) != nil { CallLog.note(.fsync, Paths.parent(of: name)) }
        }

        private static func allows(_ call: Call) -> Bool { refusal(call, SQLITE_IOERR) == nil }

        /// The status that a fault comes to, nil for none.
        private static func refusal(_ call: Call, _ status: Int32) -> Int32? {
            let path = unsafe path
            do throws(Errno) {
                try FaultPlan.meet(call, path)
                return nil
            } catch {
                let isFull = Failure(error, .output, "", path: path).code == .noSpace
                return isFull ? SQLITE_FULL : status
            }
        }
    }
#endif
