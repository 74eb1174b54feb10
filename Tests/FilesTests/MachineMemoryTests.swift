import Files
import Support
import Testing

/// What control groups of Linux allow, in both of their versions.
@Suite struct MachineMemoryTests {
    private func limit(_ membership: String, _ files: [String: String]) throws -> Int? {
        let folder = try TemporaryFolder()
        for (path, text) in files {
            var place = ""
            for part in path.split(separator: "/").dropLast() {
                place += (place.isEmpty ? "" : "/") + part
                if try Folder.kind(of: folder(place)) == nil { try Folder.make(folder(place)) }
            }
            try folder.write(Array(text.utf8), to: path)
        }
        return MachineMemory.groupLimit(membership, at: folder.path)
    }

    @Test func secondVersion() throws {
        let files = ["memory.max": "max\n", "a/memory.max": "5000\n", "a/b/memory.max": "7000\n"]
        #expect(try limit("0::/a/b\n", files) == 5000)
        #expect(try limit("0::/a/b/c\n", files) == 5000)
        #expect(try limit("0::/\n", files) == nil)
        // In a container the path may be another's.
        #expect(try limit("0::/host/path\n", ["memory.max": "3000\n"]) == 3000)
    }

    @Test func firstVersion() throws {
        let files = [
            "memory/memory.limit_in_bytes": "9223372036854771712\n", "memory/a/memory.limit_in_bytes": "4000\n",
            "memory.max": "1\n",
        ]
        #expect(try limit("5:cpu,memory:/a\n3:pids:/\n", files) == 4000)
        #expect(try limit("5:memory:/\n", files) == 9_223_372_036_854_771_712)
    }

    @Test(arguments: ["", "\n", "0::", "nonsense\n", "::\n", "5:cpu:/a\n"])
    func nothing(_ membership: String) throws { #expect(try limit(membership, [:]) == nil) }

    @Test func here() {
        #expect(MachineMemory.bytes > 1 << 26 && MachineMemory.bytes <= Syscalls.physicalMemory)
    }
}
