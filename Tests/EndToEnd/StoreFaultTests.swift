import Files
import JSON
import Support
import Testing

#if FaultInjection
    @Suite("A store whose disk fails")
    struct StoreFaultTests {
        private static let isSoak = Syscalls.environment("TENON_SOAK") != nil
        private func run(_ store: StoreFixture, _ words: [String], fault: String, at number: Int) throws -> ToolRun {
            let call = fault.prefix { $0 != "=" }
            let effect = fault.dropFirst(call.count)
            return try runTool(
                store.words(words), environment: ["TENON_FAULT": "\(call)@\(store.path):\(number)\(effect)"])
        }

        /// Whether an operation makes so many calls of a kind about its store.
        private func makes(
            _ number: Int, _ call: String, _ before: StoreFixture, _ words: [String], in place: TemporaryFolder
        ) throws -> Bool {
            let store = try StoreFixture(copying: before, to: place("count"))
            defer { try? Folder.remove(store.path) }
            return try run(store, words, fault: "\(call)=kill", at: number).signal != nil
        }

        @Test(
            "every call that writes fails cleanly, and the next try works",
            arguments: ["write", "pwrite", "fsync", "rename", "truncate", "unlink", "mkdir", "chmod", "open", "rmdir"])
        func failing(call: String) throws {
            try inFolder { place in
                let before = try StoreFixture(in: place, named: "before")
                try before.add("lora-llama", as: "a:v1")
                try before.add("ia3", as: "i")
                try before.run(["remove", "i"])
                let operations = [
                    ["add", Fixtures.path("loha"), "--name", "b:v1"], ["tag", "a:v1", "a:v2"], ["remove", "a:v1"],
                    ["gc", "--grace", "0"],
                ]
                var outcomes = (failed: 0, succeeded: 0)
                func tryOne(_ words: [String], _ effect: String, _ number: Int) throws {
                    let hasFailed = try fail(words, "\(call)=\(effect)", at: number, before, in: place)
                    if hasFailed { outcomes.failed += 1 } else { outcomes.succeeded += 1 }
                }
                for words in operations {
                    // The first, the third, the ninth …; in a soak, every one.
                    var number = 1
                    while try makes(number, call, before, words, in: place) {
                        let effects = number % 2 == 0 ? ["ENOSPC", "EIO"] : ["EIO", "ENOSPC"]
                        try tryOne(words, effects[0], number)
                        if Self.isSoak || number == 1 { try tryOne(words, effects[1], number) }
                        number = Self.isSoak ? number + 1 : number * 3
                    }
                }
                if Self.isSoak { print("failed \(call): \(outcomes)") }
            }
        }

        /// Lets one call of an operation fail, and expects a clean error and a store that works; whether the operation failed.
        private func fail(
            _ words: [String], _ fault: String, at number: Int, _ before: StoreFixture, in place: TemporaryFolder
        ) throws -> Bool {
            let store = try StoreFixture(copying: before, to: place("store"))
            defer { try? Folder.remove(store.path) }
            let old = try store.names()
            let run = try run(store, words, fault: fault, at: number)
            let comment = "\(words[0]), \(fault) at \(number): \(run.errors)"
            #expect(run.signal == nil, "\(comment)")
            if run.status != 0 {
                #expect(run.status == 74, "\(comment)")
                expectErrorLines(run)
                // It may have counted though its last step failed.
                try expectOneStep(from: old, to: store.names(), words, comment)
            }
            try store.expectSound(comment)
            let again = try runTool(store.words(words))
            #expect(again.status == 0 || (words[0] == "remove" && again.status == 66), "\(comment) \(again.errors)")
            try store.expectSound(comment)
            return run.status != 0
        }

        private func expectOneStep(
            from old: [String: String], to now: [String: String], _ words: [String], _ comment: String
        ) throws {
            guard now != old else { return }
            switch words[0] {
            case "add": #expect(Set(now.keys) == Set(old.keys).union(["b:v1"]), "\(comment)")
            case "tag": #expect(Set(now.keys) == Set(old.keys).union(["a:v2"]), "\(comment)")
            default: #expect(Set(now.keys) == Set(old.keys).subtracting(["a:v1"]), "\(comment)")
            }
        }

        @Test("a store that may only be read can be read, and refuses to be written")
        func readOnly() throws {
            try inFolder { place in
                let store = try StoreFixture(in: place)
                let digest = try store.add("lora-llama", as: "a:v1")
                for fault in ["open@locks=EROFS", "open@locks=EACCES"] {
                    let environment = ["TENON_FAULT": fault]
                    let status: Int32 = fault.hasSuffix("EROFS") ? 73 : 77
                    for words in [
                        ["add", Fixtures.path("loha"), "--name", "b"], ["tag", "a:v1", "b"], ["remove", "a:v1"], ["gc"],
                        ["repair"],
                    ] {
                        let run = try runTool(store.words(words), environment: environment)
                        #expect(run.status == status, "\(words) \(run.errors)")
                    }
                    for words in [
                        ["list"], ["show", "a:v1"], ["get", "a:v1", "-o", place("out.tenon"), "--force"],
                        ["fsck", "--level", "3"],
                    ] {
                        try succeed(store.words(words), environment: environment)
                    }
                }
                #expect(try store.names() == ["a:v1": digest])
            }
        }

        @Test("a store that others hold is busy")
        func busy() throws {
            try inFolder { place in
                let store = try StoreFixture(in: place)
                try store.add("lora-llama", as: "a:v1")
                let held = ["TENON_FAULT": "flock@locks/gc=EAGAIN"]
                for words in [["tag", "a:v1", "b"], ["remove", "a:v1"], ["gc"], ["repair"]] {
                    let run = try runTool(store.words(words + ["--wait", "0"]), environment: held)
                    #expect(run.status == 75, "\(run.errors)")
                }
                #expect(try store.names().count == 1)
            }
        }
    }
#endif
