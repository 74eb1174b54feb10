import Files
import Support
import Testing

#if FaultInjection
    /// The process dies at a system call of an import; the store is then as it was before, or as it is after.
    ///
    /// Thirty points of a fixed seed; with TENON_SOAK=1 every one.
    @Suite("A store whose import is killed")
    struct StoreImportKillTests {
        static let operations = ["import", "import again"]
        private static let pointsEach = 15

        /// A store before the import, and the words of it.
        private func prepare(_ operation: String, in place: TemporaryFolder) throws -> (
            store: StoreFixture, words: [String]
        ) {
            let source = try StoreFixture(in: place, named: "source")
            try source.add("lora-llama", as: "a:v1")
            try source.add("loha", as: "b:v1")
            try source.run(["tag", "b:v1", "b:v2"])
            try source.run(["export", "--all", "-o", place("layout")])
            let store = try StoreFixture(in: place, named: "before")
            try store.add("ia3", as: "a:v1")
            if operation == "import again" { try store.add("loha", as: "mine") }
            return (store, ["import", place("layout"), "--force"])
        }

        private func kill(_ store: StoreFixture, _ words: [String], at number: Int) throws -> ToolRun {
            try runTool(store.words(words), environment: ["TENON_FAULT": "any@\(store.path):\(number)=kill"])
        }

        /// How many calls the import makes about its store.
        private func countCalls(_ before: StoreFixture, _ words: [String], in place: TemporaryFolder) throws -> Int {
            var (least, most) = (1, 4096)
            while most - least > 1 {
                let middle = (least + most) / 2
                let store = try StoreFixture(copying: before, to: place("count"))
                defer { try? Folder.remove(store.path) }
                if try kill(store, words, at: middle).signal == nil { most = middle } else { least = middle }
            }
            return least
        }

        @Test("is as it was before, or as it is after", arguments: operations)
        func killed(operation: String) throws {
            try inFolder { place in
                let (before, words) = try prepare(operation, in: place)
                let namesBefore = try before.names()
                let after = try StoreFixture(copying: before, to: place("after"))
                try after.run(words)
                try after.expectSound()
                let namesAfter = try after.names()
                let count = try countCalls(before, words, in: place)
                var random = RepeatableRandom(seed: 91)
                let isSoak = Syscalls.environment("TENON_SOAK") != nil
                let points =
                    isSoak
                    ? Array(1...count) : (0..<Self.pointsEach).map { _ in Int.random(in: 1...count, using: &random) }
                for point in points {
                    let store = try StoreFixture(copying: before, to: place("store"))
                    let comment = "\(operation), killed at call \(point) of \(count)"
                    #expect(try kill(store, words, at: point).signal == 9, "\(comment)")
                    let names = try store.names()
                    #expect(names == namesBefore || names == namesAfter, "\(comment)")
                    try store.expectSound(comment)
                    try store.run(words)
                    #expect(try store.names() == namesAfter, "\(comment)")
                    try store.expectSound(comment)
                    #expect(try Folder.entries(of: store("tmp")).isEmpty, "\(comment)")
                    try Folder.remove(store.path)
                }
                #expect(count > 20, "too few calls to mean anything")
                if isSoak { print("killed \(operation) at \(points.count) points") }
            }
        }

        @Test("an error of the disk is told, and the next try works", arguments: ["ENOSPC", "EIO"])
        func faults(errno: String) throws {
            try inFolder { place in
                let (before, words) = try prepare("import", in: place)
                let namesBefore = try before.names()
                for call in ["open", "write", "fsync", "rename"] {
                    for number in Syscalls.environment("TENON_SOAK") == nil ? [1, 2, 4] : Array(1...60) {
                        let store = try StoreFixture(copying: before, to: place("store"))
                        let fault = ["TENON_FAULT": "\(call)@\(store.path):\(number)=\(errno)"]
                        let run = try runTool(store.words(words), environment: fault)
                        #expect(run.signal == nil && run.status != 70, "\(call) \(number): \(run.errors)")
                        if run.status != 0 { #expect(try store.names() == namesBefore, "\(call) \(number)") }
                        try store.expectSound("\(call) \(number)")
                        try store.run(words)
                        try store.expectSound("\(call) \(number)")
                        try Folder.remove(store.path)
                    }
                }
            }
        }
    }
#endif
