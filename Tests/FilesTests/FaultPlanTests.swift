#if FaultInjection
    import Files
    import Diagnostics
    import Support
    import Testing

    #if canImport(Darwin)
        import Darwin
    #elseif canImport(Musl)
        import Musl
    #else
        import Glibc
    #endif

    @Suite struct FaultPlanTests {
        @Test func rules() throws {
            let rules = try FaultRule.parse("write:3=ENOSPC,pread:2=short:100,fsync:1+=EIO,pwrite@a:b:5=kill,any=7")
            #expect(
                rules.map(\.trigger) == [
                    .call(.write, first: 3, persists: false), .call(.pread, first: 2, persists: false),
                    .call(.fsync, first: 1, persists: true), .call(.pwrite, first: 5, persists: false),
                    .call(nil, first: 1, persists: true),
                ])
            #expect(
                rules.map(\.effect) == [
                    .fail(Errno(ENOSPC)), .short(100), .fail(Errno(EIO)), .kill, .fail(Errno(7)),
                ])
            #expect(rules.map(\.text) == ["", "", "", "a:b", ""])
            #expect(try FaultRule.parse("bytes@x:1048576=kill").first?.trigger == .bytes(1_048_576))
            #expect(try FaultRule.parse("") == [])
        }

        @Test(arguments: [
            "write", "write:3", "write:0=EIO", "write:x=EIO", "write:-1=EIO", "chown:1=EIO", "write:1=EWHAT",
            "write:1=short:", "write:1=short:-1", "write:1=0", "bytes:5=EIO", "bytes=kill", "bytes:5+=kill", "=EIO",
        ])
        func notRules(_ plan: String) {
            #expect(code { try FaultRule.parse(plan) } == .usage)
        }

        @Test func rulesEndWithTheirScopeAndKeepToTheirPath() throws {
            let one = try TemporaryFolder()
            let other = try TemporaryFolder()
            try FaultPlan.with("open=EIO", on: one.path) {
                #expect(code { try one.write([1], to: "a") } == .inputOutput)
                try other.write([1], to: "a")
            }
            try one.write([1], to: "a")
        }
    }
#endif
