import Files
import JSON
import Support
import Testing

#if FaultInjection
    /// The process dies at a system call, its own or SQLite's; what is there then must be a state between two operations.
    ///
    /// A hundred points of a fixed seed; with TENON_SOAK=1 every point of every operation, which are over a thousand.
    @Suite("A store whose process is killed")
    struct StoreKillTests {
        static let operations = ["put", "heal", "add again", "tag", "remove", "gc", "repair"]
        private static let pointsEach = 15

        /// A store before the operation, and the words of it.
        private func prepare(_ operation: String, in place: TemporaryFolder) throws -> (
            store: StoreFixture, words: [String]
        ) {
            let store = try StoreFixture(in: place, named: "before")
            let lora = try store.add("lora-llama", as: "a:v1")
            try store.add("ia3", as: "i")
            switch operation {
            case "put":
                return (store, ["add", Fixtures.path("loha"), "--name", "b:v1", "--name", "b:v2", "--metadata", "k=v"])
            case "heal":
                var bytes = try contents(of: store.object(lora))
                bytes[500] ^= 1
                try writeFile(bytes, to: store.object(lora))
                return (store, ["add", Fixtures.path("lora-llama"), "--name", "a:v2"])
            case "add again": return (store, ["add", Fixtures.path("lora-llama"), "--name", "a:v2"])
            case "tag": return (store, ["tag", "a:v1", "i", "--force"])
            case "remove": return (store, ["remove", "a:v1"])
            case "gc":
                try store.run(["remove", "a:v1"])
                return (store, ["gc", "--grace", "0"])
            default:
                try Folder.remove(store("catalog.db"))
                return (store, ["repair"])
            }
        }

        /// How it ended when it died at the `number`th call about the store in `folder`.
        private func kill(_ store: StoreFixture, _ words: [String], at number: Int) throws -> ToolRun {
            try runTool(store.words(words), environment: ["TENON_FAULT": "any@\(store.path):\(number)=kill"])
        }

        /// How many calls the operation makes about its store.
        private func countCalls(_ before: StoreFixture, _ words: [String], in place: TemporaryFolder) throws -> Int {
            func survives(_ number: Int) throws -> Bool {
                let store = try StoreFixture(copying: before, to: place("count"))
                defer { try? Folder.remove(store.path) }
                return try kill(store, words, at: number).signal == nil
            }
            var (least, most) = (1, 64)
            while !(try survives(most)) { (least, most) = (most, most * 2) }
            while most - least > 1 {
                let middle = (least + most) / 2
                if try survives(middle) { most = middle } else { least = middle }
            }
            return least
        }

        @Test("is as it was before, or as it is after", arguments: operations)
        func killed(operation: String) throws {
            try inFolder { place in
                let (before, words) = try prepare(operation, in: place)
                let isDamaged = ["heal", "repair"].contains(operation)
                let namesBefore = operation == "repair" ? nil : try before.names()
                let after = try StoreFixture(copying: before, to: place("after"))
                try after.run(words)
                try after.expectSound()
                let namesAfter = try after.names()
                let count = try countCalls(before, words, in: place)
                var random = RepeatableRandom(seed: UInt64(operation.utf8.reduce(0) { $0 + Int($1) }))
                let isSoak = Syscalls.environment("TENON_SOAK") != nil
                let points =
                    isSoak
                    ? Array(1...count) : (0..<Self.pointsEach).map { _ in Int.random(in: 1...count, using: &random) }
                var began = 0
                for point in points {
                    let store = try StoreFixture(copying: before, to: place("store"))
                    #expect(try kill(store, words, at: point).signal == 9, "\(point)")
                    let comment = "\(operation), killed at call \(point) of \(count)"
                    if operation == "repair", try runTool(store.words(["list"])).status != 0 {
                        #expect(try store.damage() == ["catalog-corrupt"], "\(comment)")
                    } else {
                        let names = try store.names()
                        #expect(names == namesBefore || names == namesAfter, "\(comment)")
                        if names == namesAfter || !isDamaged { began += 1 }
                        if !isDamaged { try store.expectSound(comment) }
                    }
                    // Whoever comes next finishes it, and sweeps up.
                    let again = try runTool(store.words(words))
                    #expect(
                        again.status == 0 || (operation == "remove" && again.status == 66), "\(comment) \(again.errors)"
                    )
                    try store.expectSound(comment)
                    #expect(try store.names() == namesAfter, "\(comment)")
                    try store.add("ia3", as: "sweep")
                    #expect(try Folder.entries(of: store("tmp")).isEmpty, "\(comment)")
                    try Folder.remove(store.path)
                }
                #expect(count > 20, "too few calls to mean anything")
                #expect(began > 0 || isDamaged)
                if isSoak { print("killed \(operation) at \(points.count) points") }
            }
        }

        @Test("a store that was being made can be made again")
        func killedInit() throws {
            try inFolder { place in
                var number = 1
                while true {
                    number += Syscalls.environment("TENON_SOAK") == nil ? 5 : 1
                    let fault = ["TENON_FAULT": "any@\(place("new")):\(number)=kill"]
                    let run = try runTool(["store", "init", "--store", place("new")], environment: fault)
                    if run.signal == nil { break }
                    let again = try runTool(["store", "init", "--store", place("new")])
                    #expect(
                        again.status == 0 || again.errors.contains("a store is there already"),
                        "\(number) \(again.errors)")
                    try succeed(["store", "fsck", "--store", place("new")])
                    try Folder.remove(place("new"))
                }
                #expect(number > 20)
            }
        }
    }
#endif
