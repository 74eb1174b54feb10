#if FaultInjection
    import AdapterStore
    import Digests
    import Files
    import Parallelism
    import Support
    import Testing

    /// Everything that a loss of power could leave of an operation, rebuilt from the calls that it makes: the store must open,
    /// be whole, and be as it was before or as it is after; and as it is after, once the operation has ended.
    ///
    /// Some states of a fixed seed; with TENON_SOAK=1 all of them, which are many thousands.
    @Suite("A store whose machine loses power")
    struct StorePowerLossTests {
        static let operations = ["put", "put again", "heal", "import", "tag", "remove", "gc"]
        private static let isSoak = Syscalls.environment("TENON_SOAK") != nil
        private static let countsEach = 6
        private static let statesEach = 6
        private let lanes = Lanes(count: 1)

        /// A store before the operation, and the words of it.
        private func prepare(_ operation: String, in place: TemporaryFolder) throws -> (
            store: StoreFixture, words: [String]
        ) {
            let store = try StoreFixture(in: place, named: "before")
            let digest = try store.add("ia3", as: "a:v1")
            try store.add("vera", as: "i")
            switch operation {
            case "put": return (store, ["add", Fixtures.path("loha"), "--name", "b:v1", "--name", "b:v2"])
            case "put again": return (store, ["add", Fixtures.path("ia3"), "--name", "a:v2"])
            case "heal":
                var bytes = try contents(of: store.object(digest))
                bytes[500] ^= 1
                try writeFile(bytes, to: store.object(digest))
                return (store, ["add", Fixtures.path("ia3"), "--name", "a:v1"])
            case "import":
                let source = try StoreFixture(in: place, named: "source")
                try source.add("loha", as: "b:v1")
                try source.add("ia3", as: "b:v2")
                try source.run(["export", "--all", "-o", place("layout")])
                return (store, ["import", place("layout")])
            case "tag": return (store, ["tag", "a:v1", "i", "--force"])
            case "remove": return (store, ["remove", "a:v1"])
            default:
                try store.run(["remove", "i"])
                return (store, ["gc", "--grace", "0"])
            }
        }

        /// Runs the operation on a copy of the store, and notes its calls.
        private func record(_ before: StoreFixture, _ words: [String], in place: TemporaryFolder) throws -> (
            calls: PowerLoss, after: StoreFixture
        ) {
            let after = try StoreFixture(copying: before, to: place("after"))
            try succeed(after.words(words), environment: ["TENON_CALLS": place("calls")])
            let log = String(decoding: try contents(of: place("calls")), as: UTF8.self)
            let calls = try PowerLoss(before: before.path, log: log, of: after.path)
            // Nothing was left out of the log.
            #expect(try calls.after.tree == PowerLoss.tree(of: after.path))
            return (calls, after)
        }

        private func names(_ path: String) throws -> [String: Digest] {
            let found = try AdapterStore(at: path).search(Search()).found
            return Dictionary(uniqueKeysWithValues: found.map { ($0.name.description, $0.object.digest) })
        }

        private func damage(_ path: String) throws -> [String] {
            try StoreCheck.run(path, level: .full, lanes: lanes).findings.filter(\.isDamage).map(\.text)
        }

        @Test("is as it was before, or as it is after", arguments: operations)
        func powerLoss(operation: String) throws {
            try inFolder { place in
                let (before, words) = try prepare(operation, in: place)
                let (calls, after) = try record(before, words, in: place)
                let namesBefore = try names(before.path)
                let namesAfter = try names(after.path)
                let damageBefore = try damage(before.path).count
                try #require(try damage(after.path) == [])
                var random = RepeatableRandom(seed: 11)
                var seen: Set<Int> = []
                var outcomes = (before: 0, after: 0)
                var number = 0
                let all = calls.calls.count
                let counts =
                    Self.isSoak
                    ? Array(0...all)
                    : (0..<Self.countsEach).map { _ in Int.random(in: 0...all, using: &random) } + [all]
                // From the end, where no state may be as it was before.
                for count in counts.sorted(by: >) {
                    var states = calls.losses(after: count)
                    if !Self.isSoak { states = Array(states.shuffled(using: &random).prefix(Self.statesEach)) }
                    for state in states where seen.insert(state.tree.hashValue).inserted {
                        number += 1
                        let comment = "\(operation), after \(count) of \(calls.calls.count) calls, state \(number)"
                        let path = place("state")
                        try PowerLoss.write(state.tree, to: path)
                        let found = try damage(path)
                        #expect(operation == "heal" ? found.count <= damageBefore : found == [], "\(comment): \(found)")
                        let now = try names(path)
                        let isAfter = now == namesAfter && (operation != "heal" || found.isEmpty)
                        #expect(isAfter || (now == namesBefore && count < calls.calls.count), "\(comment): \(now)")
                        if isAfter { outcomes.after += 1 } else { outcomes.before += 1 }
                        try goOn(path, now, isDamaged: !found.isEmpty, comment)
                        try Folder.remove(path)
                    }
                }
                #expect(calls.calls.count > 20 && outcomes.after > 0)
                if Self.isSoak {
                    print("lost power in \(operation): \(calls.calls.count) calls, \(number) states, \(outcomes)")
                }
            }
        }

        @Test("is there once it was made, and can be made again until then")
        func initialization() throws {
            try inFolder { place in
                for name in ["before", "root"] { try Folder.make(place(name)) }
                let words = ["store", "init", "--store", place("root/a/b/store")]
                try succeed(words, environment: ["TENON_CALLS": place("calls")])
                let log = String(decoding: try contents(of: place("calls")), as: UTF8.self)
                let calls = try PowerLoss(before: place("before"), log: log, of: place("root"))
                #expect(try calls.after.tree == PowerLoss.tree(of: place("root")))
                var seen: Set<Int> = []
                let all = calls.calls.count
                for count in (0...all).reversed() where Self.isSoak || count % 16 == 0 || count == all {
                    for state in calls.losses(after: count) where seen.insert(state.tree.hashValue).inserted {
                        try PowerLoss.write(state.tree, to: place("state"))
                        let store = place("state/a/b/store")
                        let isThere = try exists(Paths.joined(store, "format"))
                        #expect(isThere || count < calls.calls.count, "after \(count) calls")
                        if !isThere { try StorePlace.create(at: store) }
                        #expect(try damage(store) == [], "after \(count) of \(calls.calls.count) calls")
                        try Folder.remove(place("state"))
                    }
                }
                if Self.isSoak { print("lost power in init: \(calls.calls.count) calls, \(seen.count) states") }
            }
        }

        /// Whoever comes next can work, and sweeps up.
        private func goOn(_ path: String, _ names: [String: Digest], isDamaged: Bool, _ comment: String) throws {
            let store = try AdapterStore(at: path)
            let name = try #require(names.keys.min())
            _ = try store.tag(ObjectReference(name), as: [StoreName("next")], replaces: true)
            // What is lost keeps it from collecting, but not from sweeping up.
            do { _ = try store.collect(grace: 1 << 60, isDryRun: false) } catch { #expect(isDamaged, "\(error)") }
            #expect(try Folder.entries(of: Paths.joined(path, "tmp")).isEmpty, "\(comment)")
            let found = try damage(path)
            #expect(found.isEmpty || isDamaged, "\(comment), and then: \(found)")
        }
    }
#endif
