import AdapterStore
import DeltaFormat
import Diagnostics
import Digests
import Files
import Packaging
import Parallelism
import Support
import Testing

@Suite("Putting objects into a store")
struct PutTests {
    private static let fixtures = Paths.joined(
        Paths.parent(of: Paths.parent(of: Paths.parent(of: #filePath))), "Fixtures/peft")
    private let lanes = Lanes(count: 1)

    /// Stages a fixture's container and puts it.
    private func put(
        _ fixture: String, _ names: [String], in store: AdapterStore, replaces: Bool = false
    ) throws -> PutReport {
        let staging = try store.stage()
        _ = try PackingJob(lanes: lanes).run(
            sources: [Paths.joined(Self.fixtures, fixture)], output: staging.container
        ) { _ in }
        var options = PutOptions()
        options.names = try names.map { try StoreName($0) }
        options.replaces = replaces
        return try store.put(staging, options, isVerified: true, lanes: lanes)
    }

    private func inStore(_ body: (AdapterStore) throws -> Void) throws {
        let place = try TemporaryFolder()
        try StorePlace.create(at: place("store"))
        try withExtendedLifetime(place) { try body(try AdapterStore(at: place("store"), patience: 1000)) }
    }

    @Test("gives the object its place and its names, and is the same when done again")
    func twice() throws {
        try inStore { store in
            let first = try put("loha", ["a"], in: store)
            let second = try put("loha", ["a", "b"], in: store)
            #expect(first.isNew && !second.isNew && first.object.digest == second.object.digest)
            #expect(try store.names(of: second.object).map(\.description) == ["a:latest", "b:latest"])
            let (object, file) = try store.open(ObjectReference("b"))
            #expect(try Container(file).indexDigest == object.digest && file.size == object.storedBytes)
            #expect(try Folder.entries(of: Paths.joined(store.path, "tmp")).isEmpty)
        }
    }

    @Test("leaves a name that is taken where it is, unless told to move it")
    func taken() throws {
        try inStore { store in
            let first = try put("loha", ["a"], in: store)
            #expect(throws: Failure.self) { try put("ia3", ["b", "a"], in: store) }
            #expect(try store.search(Search()).found.map(\.name.description) == ["a:latest"])
            let second = try put("ia3", ["a"], in: store, replaces: true)
            #expect(try store.object(ObjectReference("a")).digest == second.object.digest)
            #expect(try store.names(of: first.object).isEmpty)
        }
    }

    @Test("is seen by others that have the store open")
    func others() throws {
        try inStore { store in
            let other = try AdapterStore(at: store.path)
            let report = try put("loha", ["a"], in: store)
            #expect(try other.object(ObjectReference("a")).digest == report.object.digest)
            _ = try other.remove(StoreName("a"))
            #expect(throws: Failure.self) { try store.object(ObjectReference("a")) }
        }
    }

    @Test("staging of a living process is not swept, that of a dead one is")
    func sweeping() throws {
        try inStore { store in
            let living = try store.stage()
            let dead = Paths.joined(store.path, "tmp/1-dead")
            try Folder.make(dead)
            _ = try store.stage()
            #expect(try Folder.kind(of: dead) == nil)
            #expect(try Folder.kind(of: Paths.parent(of: living.container)) == .folder)
        }
    }

    @Test("a search finds the same whichever way it goes, and stops at its limit")
    func searching() throws {
        try inStore { store in
            for (fixture, name) in [("loha", "x/a"), ("ia3", "x/b"), ("lora-llama", "x/c"), ("lora-bf16", "y/d")] {
                _ = try put(fixture, [name + ":v1", name + ":v2"], in: store)
            }
            for limit in [nil, 1, 2, 3, 100] {
                for method in [nil, "lora", "loha", "none"] {
                    for pattern in [nil, "x/*", "*:v2", "*", "y/d", "z*"] {
                        var search = Search()
                        search.method = method
                        search.pattern = pattern
                        let all = try store.search(search)
                        search.limit = limit
                        let some = try store.search(search)
                        #expect(some.found.map(\.name) == all.found.prefix(limit ?? .max).map(\.name))
                        #expect(some.isCut == (all.found.count > limit ?? .max) && !all.isCut)
                        #expect(all.found.allSatisfy { method == nil || $0.object.method == method })
                        #expect(all.found.map(\.name.description) == all.found.map(\.name.description).sorted())
                    }
                }
            }
        }
    }
}
