import Files
import JSON
import Support
import Testing

/// On a large adapter: what is held at most, and what a terminal shows of it.
@Suite("A large adapter", .serialized)
struct MemoryTests {
    private static let limit = 96 << 20

    @Test("is packed, verified and unpacked within 96 MiB, and within what the dry run said")
    func bounded() throws {
        try inLargeFolder { place in
            try SyntheticAdapter.make(at: place + "/in", byteCount: 200_000_000, tensorBytes: 1 << 20)
            for compression in ["default", "fast"] {
                let pack = [
                    "pack", place + "/in", "-o", place + "/a.tenon", "--force", "--threads", "2", "--compression",
                    compression,
                ]
                let plan = try document(try runTool(pack + ["--dry-run", "--json"]))
                let limit = min(Self.limit, try #require(plan["memoryBytes"]?.int))
                let run = try runTool(pack)
                #expect(run.status == 0, "\(run.errors)")
                #expect(run.peakMemory > 1 << 20 && run.peakMemory <= limit, "\(run.peakMemory)")
            }
            for verb in [
                ["verify"], ["unpack", "-o", place + "/out"],
                ["unpack", "--format", "safetensors", "-o", place + "/out.safetensors"],
            ] {
                let run = try runTool(verb + [place + "/a.tenon", "--threads", "2"])
                #expect(run.status == 0, "\(run.errors)")
                #expect(run.peakMemory > 1 << 20 && run.peakMemory <= Self.limit, "\(verb) \(run.peakMemory)")
            }
            let before = try runTool([place + "/in/adapter_model.safetensors"], executable: "/usr/bin/sha256sum")
            let after = try runTool([place + "/out/adapter_model.safetensors"], executable: "/usr/bin/sha256sum")
            #expect(before.output.prefix(64) == after.output.prefix(64))
        }
    }

    @Test("shows how far it is on a terminal, and nowhere else")
    func progress() throws {
        guard try exists("/usr/bin/script") else { return }
        try inLargeFolder { place in
            try SyntheticAdapter.make(at: place + "/in", byteCount: 24 << 20, tensorBytes: 1 << 20)
            let pack = "tenon pack in -o a.tenon --force --compression max --threads 1"
            let seen = try runShell("script -qec '\(pack)' /dev/null </dev/null", in: place)
            #expect(seen.status == 0)
            #expect(seen.output.contains("\rpacking [") && seen.output.contains(" %"))
            #expect(seen.output.contains("wrote a.tenon") && !seen.output.contains("\u{1B}"))
            let quiet = try runShell("script -qec '\(pack) --quiet' /dev/null </dev/null", in: place)
            #expect(!quiet.output.contains("packing ["))
            let piped = try runShell(pack, in: place)
            #expect(piped.errors == "" && !piped.output.contains("packing ["))
        }
    }
}

/// A folder in memory where the system has one: no medium's speed is being measured.
func inLargeFolder(_ body: (String) throws -> Void) throws {
    guard try exists("/dev/shm") else { return try inFolder { try body($0.path) } }
    let path = "/dev/shm/tenon-tests-\(UInt64.random(in: .min ... .max))"
    try Folder.make(path)
    defer { try? Folder.remove(path) }
    try body(path)
}
