import Files
import JSON
import Support
import Testing

#if FaultInjection
    @Suite("A store whose disk fails")
    struct StoreFaultTests {
        private static let statuses: [String: Int32] = ["EIO": 74, "ENOSPC": 74]

        /// Lets the first, second, … call fail until none is left, and expects a clean error and a store that works each time.
        @Test(
            "every call that writes fails cleanly, and the next try works",
            arguments: ["write", "pwrite", "fsync", "rename", "truncate", "unlink", "mkdir", "chmod", "open"], ["EIO", "ENOSPC"])
        func failing(call: String, errno: String) throws {
            try inFolder { place in
                let before = try StoreFixture(in: place, named: "before")
                try before.add("lora-llama", as: "a:v1")
                try before.add("ia3", as: "i")
                try before.run(["remove", "i"])
                let old = try before.names()
                let operations = [
                    ["add", Fixtures.path("loha"), "--name", "b:v1"], ["tag", "a:v1", "a:v2"], ["remove", "a:v1"],
                    ["gc", "--grace", "0"],
                ]
                for words in operations {
                    var number = 0
                    while number < 100 {
                        number += 1
                        let store = try StoreFixture(copying: before, to: place("store"))
                        defer { try? Folder.remove(store.path) }
                        let fault = ["TENON_FAULT": "\(call)@\(store.path):\(number)=\(errno)"]
                        let run = try runTool(store.words(words), environment: fault)
                        let comment = "\(words[0]), \(call) \(number) \(errno): \(run.errors)"
                        #expect(run.signal == nil, "\(comment)")
                        if run.status != 0 {
                            #expect(run.status == Self.statuses[errno], "\(comment)")
                            expectErrorLines(run)
                        }
                        try store.expectSound(comment)
                        if run.status != 0, words[0] != "gc" {
                            // A commit may have happened whose last step failed.
                            let now = try store.names()
                            try expectOneStep(from: old, to: now, words, comment)
                        }
                        let again = try runTool(store.words(words))
                        #expect(again.status == 0 || (words[0] == "remove" && again.status == 66), "\(comment) \(again.errors)")
                        try store.expectSound(comment)
                        if run.status == 0 && !run.errors.contains("reflog") && number > 40 { break }
                    }
                }
            }
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
                        ["add", Fixtures.path("loha"), "--name", "b"], ["tag", "a:v1", "b"], ["remove", "a:v1"], ["gc"], ["repair"],
                    ] {
                        let run = try runTool(store.words(words), environment: environment)
                        #expect(run.status == status, "\(words) \(run.errors)")
                    }
                    for words in [
                        ["list"], ["show", "a:v1"], ["get", "a:v1", "-o", place("out.tenon"), "--force"], ["fsck", "--level", "3"],
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
