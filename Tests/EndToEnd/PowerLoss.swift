#if FaultInjection
    import Files
    import Support

    /// What a disk may hold after the power was lost while calls were made: `TENON_CALLS` has noted them.
    ///
    /// A file's bytes are on the disk once the file was flushed, and an entry of a folder once that folder was; of all else
    /// any part may be there and any not. A rename is one step, and a call that needs what is not there does nothing.
    struct PowerLoss {
        /// Files by their numbers, and what each path below the root leads to.
        struct State: Hashable {
            enum Entry: Hashable {
                case folder
                case file(Int)
            }

            var entries: [String: Entry] = ["": .folder]
            var files: [Int: [UInt8]] = [:]

            /// What a reader of the tree would see.
            var tree: [String: [UInt8]?] {
                entries.mapValues { entry in if case .file(let number) = entry { files[number] ?? [] } else { nil } }
            }
        }

        enum Effect: Hashable {
            case write(file: Int, offset: Int, [UInt8])
            case truncate(file: Int, size: Int)
            case create(String, file: Int)
            case makeFolder(String)
            case rename(String, String, file: Int)
            case unlink(String, file: Int)
            case removeFolder(String)
            case flushFile(Int)
            case flushFolder(String)
        }

        /// A call that means nothing here, or is about a file that nobody made.
        struct Unreadable: Error {
            let call: String
            let path: String
        }

        /// Which half of a write that was torn came to the disk.
        enum Half: CaseIterable {
            case first, second
        }

        let before: State
        private(set) var calls: [Effect] = []

        /// - Parameters:
        ///   - root: The folder that it is about, as it was when the calls began.
        ///   - log: The lines that `TENON_CALLS` has, about the folder at `place`.
        init(before root: String, log: String, of place: String) throws {
            before = try Self.read(root)
            var now = before
            // SQLite is told paths without links.
            let places = [place, try Folder.resolved(place)]
            for line in log.split(separator: "\n") {
                let words = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
                guard let path = Self.relative(words[1], to: places) else { continue }
                guard let effect = try Self.effect(words, path, places, now, count: calls.count) else { continue }
                calls.append(effect)
                Self.apply(effect, to: &now)
            }
        }

        private static func relative(_ path: String, to places: [String]) -> String? {
            if places.contains(path) { return "" }
            return places.first { path.hasPrefix($0 + "/") }.map { String(path.dropFirst($0.count + 1)) }
        }

        private static func effect(
            _ words: [String], _ path: String, _ places: [String], _ now: State, count: Int
        ) throws -> Effect? {
            var file: Int?
            if case .file(let number) = now.entries[path] { file = number }
            func known() throws -> Int {
                guard let file else {
                    throw Unreadable(call: words[0], path: path)
                }
                return file
            }
            switch words[0] {
            case "open": return file == nil ? .create(path, file: -1 - count) : nil
            case "write":
                guard let offset = Int(words[2]), let bytes = bytes(hexadecimal: words[3]) else { break }
                return .write(file: try known(), offset: offset, bytes)
            case "truncate":
                guard let size = Int(words[2]) else { break }
                return .truncate(file: try known(), size: size)
            case "rename":
                guard let new = relative(words[2], to: places) else { break }
                return .rename(path, new, file: try known())
            case "unlink": return .unlink(path, file: try known())
            case "mkdir": return .makeFolder(path)
            case "rmdir": return .removeFolder(path)
            case "fsync": return try now.entries[path] == .folder ? .flushFolder(path) : .flushFile(known())
            default: break
            }
            throw Unreadable(call: words[0], path: path)
        }

        private static func bytes(hexadecimal text: String) -> [UInt8]? {
            let digits = Array(text.utf8)
            guard digits.count % 2 == 0 else { return nil }
            func value(_ digit: UInt8) -> UInt8 { digit < 58 ? digit &- 48 : digit &- 87 }
            return stride(from: 0, to: digits.count, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
        }

        // MARK: Folders on this machine's disk

        private static func read(_ root: String) throws -> State {
            var state = State()
            func look(_ folder: String) throws {
                for entry in try Folder.entries(of: Paths.joined(root, folder)) {
                    let path = folder.isEmpty ? entry.name : Paths.joined(folder, entry.name)
                    if entry.kind == .folder {
                        state.entries[path] = .folder
                        try look(path)
                    } else {
                        let number = state.files.count
                        state.entries[path] = .file(number)
                        state.files[number] = try contents(of: Paths.joined(root, path))
                    }
                }
            }
            if try Folder.kind(of: root) == .folder { try look("") }
            return state
        }

        /// What is in the folder at `root`.
        static func tree(of root: String) throws -> [String: [UInt8]?] { try read(root).tree }

        /// Writes a tree into a new folder.
        static func write(_ tree: [String: [UInt8]?], to root: String) throws {
            for (path, bytes) in tree.sorted(by: { $0.key < $1.key }) {
                let place = path.isEmpty ? root : Paths.joined(root, path)
                if let bytes { try writeFile(bytes, to: place) } else { try Folder.make(place) }
            }
        }

        // MARK: Playing

        /// What the disk holds where all of the calls came to it.
        var after: State { state(of: Set(calls.indices)) }

        /// What is left of the calls of `kept`, in their order.
        func state(of kept: Set<Int>, tearing torn: (call: Int, half: Half)? = nil) -> State {
            var state = before
            for index in calls.indices where kept.contains(index) {
                if let torn, torn.call == index, case .write(let file, let offset, let bytes) = calls[index] {
                    let middle = bytes.count > 512 ? bytes.count / 1024 * 512 : bytes.count / 2
                    let half = torn.half == .first ? bytes[..<middle] : bytes[middle...]
                    Self.apply(.write(file: file, offset: offset + half.startIndex, Array(half)), to: &state)
                } else {
                    Self.apply(calls[index], to: &state)
                }
            }
            return state
        }

        private static func apply(_ effect: Effect, to state: inout State) {
            func isFolder(_ path: String) -> Bool { state.entries[path] == .folder }
            func parent(_ path: String) -> String { path.contains("/") ? Paths.parent(of: path) : "" }
            switch effect {
            // In place, for there are many.
            case .write(let file, let offset, let bytes):
                extend(&state.files[file, default: []], to: offset + bytes.count)
                state.files[file, default: []].replaceSubrange(offset..<offset + bytes.count, with: bytes)
            case .truncate(let file, let size):
                extend(&state.files[file, default: []], to: size)
                state.files[file, default: []].removeSubrange(size...)
            case .create(let path, let file):
                if isFolder(parent(path)), state.entries[path] == nil { state.entries[path] = .file(file) }
            case .makeFolder(let path):
                if isFolder(parent(path)) || path.isEmpty { state.entries[path] = .folder }
            case .rename(let old, let new, let file):
                guard isFolder(parent(new)) else { return }
                if state.entries[old] == .file(file) { state.entries[old] = nil }
                state.entries[new] = .file(file)
            case .unlink(let path, let file):
                if state.entries[path] == .file(file) { state.entries[path] = nil }
            case .removeFolder(let path):
                if !state.entries.keys.contains(where: { $0.hasPrefix(path + "/") }) { state.entries[path] = nil }
            case .flushFile, .flushFolder: break
            }
        }

        private static func extend(_ content: inout [UInt8], to size: Int) {
            if content.count < size { content += [UInt8](repeating: 0, count: size - content.count) }
        }

        // MARK: Losing power

        /// Of the first `count` calls, those whose effects are on the disk for sure, and those that may be.
        func settled(after count: Int) -> (sure: Set<Int>, open: [Int]) {
            var open: [Int] = []
            var sure: Set<Int> = []
            for index in 0..<count {
                switch calls[index] {
                case .flushFile(let file): settle { Self.file(of: $0) == file }
                case .flushFolder(let path): settle { Self.folders(of: $0).contains(path) }
                default: open.append(index)
                }
            }
            func settle(_ isFlushed: (Effect) -> Bool) {
                sure.formUnion(open.filter { isFlushed(calls[$0]) })
                open.removeAll { isFlushed(calls[$0]) }
            }
            return (sure, open)
        }

        private static func file(of effect: Effect) -> Int? {
            switch effect {
            case .write(let file, _, _), .truncate(let file, _): file
            default: nil
            }
        }

        /// The folders whose entries a call changes: a flush of either brings a rename to the disk.
        private static func folders(of effect: Effect) -> [String] {
            func parent(_ path: String) -> String { path.contains("/") ? Paths.parent(of: path) : "" }
            return switch effect {
            case .create(let path, _), .makeFolder(let path), .unlink(let path, _), .removeFolder(let path):
                [parent(path)]
            case .rename(let old, let new, _): [parent(old), parent(new)]
            default: []
            }
        }

        /// What may be on the disk where power is lost after `count` calls: without all that is not for sure, with all of it,
        /// with each call of it alone, without each alone, and with each write torn.
        func losses(after count: Int) -> [State] {
            let (sure, open) = settled(after: count)
            let all = sure.union(open)
            var states = [state(of: sure), state(of: all)]
            for index in open {
                states.append(state(of: sure.union([index])))
                states.append(state(of: all.subtracting([index])))
                guard case .write = calls[index] else { continue }
                for half in Half.allCases {
                    states.append(state(of: all, tearing: (index, half)))
                    states.append(state(of: sure.union([index]), tearing: (index, half)))
                }
            }
            return states
        }
    }
#endif
