import Adapters
import DeltaAlgebra
import Diagnostics
import Digests
import LinearAlgebra
import Parallelism
import Tensors
import Testing

@Suite("Merging adapters")
struct AdapterMergeTests {
    @Test("every method is the fp64 reference's", arguments: MergeFixtures.cases("adapters"))
    func goldens(one: MergeCase) throws {
        var job = AdapterMergeJob(.method(try .named(one.method)), output: AdapterOutput("-", lanes: Lanes(count: 2)))
        job.options = one.options
        let merged = try job.merged(one.opened())
        let changes = try merged.changes()
        let expected = try MergeFixtures.expected("adapters", one.name)
        #expect(!expected.isEmpty && changes.count == expected.count { $0.value.largestMagnitude > 0 })
        for (module, change) in expected {
            let own = changes[module] ?? RealMatrix(rows: change.rows, columns: change.columns)
            #expect(own.relativeError(to: change) <= 1e-6, "\(module)")
        }
        try Method.lora.validate(merged.parameters)
    }

    @Test("there is a golden of every method")
    func covered() {
        #expect(
            Set(MergeFixtures.cases("adapters").map(\.method)) == Set(AdapterMergeMethod.all.map(\.word)))
        #expect(Set(MergeFixtures.cases("peft").map(\.method)) == Set(PEFTCombination.words))
    }

    @Test("PEFT's combinations are the reference's", arguments: MergeFixtures.cases("peft"))
    func peft(one: MergeCase) throws {
        var job = AdapterMergeJob(
            .peft(try PEFTCombination(one.method, sign: one.sign)), output: AdapterOutput("-", lanes: Lanes(count: 2)))
        job.options = one.options
        let changes = try job.merged(one.opened()).changes()
        let expected = try MergeFixtures.expected("peft", one.name)
        #expect(!expected.isEmpty)
        for (key, value) in expected where !key.hasSuffix("/B") {
            let module = String(key.prefix { $0 != "/" })
            let change: RealMatrix
            if key.hasSuffix("/A") { change = try #require(expected["\(module)/B"]) * value } else { change = value }
            let own = changes[module] ?? RealMatrix(rows: change.rows, columns: change.columns)
            #expect(own.relativeError(to: change) <= 1e-5, "\(module)")
        }
    }

    // MARK: Properties

    private func merged(
        _ method: String, _ adapters: [WeightedAdapter], lanes: Int = 1,
        _ change: (inout AdapterMergeOptions) -> Void = { _ in }
    ) throws -> Adapter {
        var job = AdapterMergeJob(.method(try .named(method)), output: AdapterOutput("-", lanes: Lanes(count: lanes)))
        change(&job.options)
        return try job.merged(adapters)
    }

    private func opened(_ names: [String], _ weights: [Double]) throws -> [WeightedAdapter] {
        try zip(names, weights).map { try MergeFixtures.adapter($0, weight: $1) }
    }

    @Test("one adapter alone is itself", arguments: ["cat", "linear", "svd", "karcher", "ties", "dare", "sce"])
    func alone(method: String) throws {
        let one = try opened(["y"], [1])
        let changes = try merged(method, one).changes()
        for (module, change) in try one[0].adapter.changes() {
            #expect(try #require(changes[module]).relativeError(to: change) < 1e-6, "\(module)")
        }
    }

    @Test(
        "the order of the adapters does not matter, where nothing is drawn",
        arguments: ["cat", "linear", "svd", "karcher", "model-stock", "ties", "magnitude-prune", "breadcrumbs", "sce"])
    func order(method: String) throws {
        let options = { (options: inout AdapterMergeOptions) in options.density = 0.5 }
        let forth = try merged(method, opened(["x", "y", "w"], [0.5, 0.2, 0.3]), options).changes()
        let back = try merged(method, opened(["w", "x", "y"], [0.3, 0.5, 0.2]), options).changes()
        #expect(forth.count == back.count && !forth.isEmpty)
        for (module, change) in forth {
            #expect(try #require(back[module]).relativeError(to: change) < 2e-6, "\(module)")
        }
    }

    @Test("the same bytes come out for any number of threads", arguments: AdapterMergeMethod.all.map(\.word))
    func threads(method: String) throws {
        let names = method == "slerp" ? ["x", "y"] : ["x", "y", "z"]
        let weights = [Double](repeating: 0.5, count: names.count)
        let one = try merged(method, opened(names, weights)) { $0.density = 0.6 }
        let more = try merged(method, opened(names, weights), lanes: 4) { $0.density = 0.6 }
        #expect(one.entries.map(\.key) == more.entries.map(\.key) && one.parameters == more.parameters)
        for (a, b) in zip(one.entries, more.entries) {
            for (x, y) in zip(a.tensors, b.tensors) { #expect(try x.source.readAll() == y.source.readAll()) }
        }
    }

    @Test(
        "how a change is split into factors does not matter", arguments: ["ties", "breadcrumbs-ties", "della", "sce"])
    func split(method: String) throws {
        var adapters = try opened(["x", "y"], [0.5, 0.5])
        let options = { (options: inout AdapterMergeOptions) in options.density = 0.5 }
        let before = try merged(method, adapters, options).changes()
        // A is 4 times what it was, B a quarter.
        adapters[0] = WeightedAdapter(
            try adapters[0].adapter.rescaled(a: 4, b: 0.25), contentDigest: adapters[0].contentDigest,
            path: adapters[0].path, weight: 0.5)
        for (module, change) in try merged(method, adapters, options).changes() {
            #expect(try #require(before[module]).relativeError(to: change) < 1e-6, "\(module)")
        }
    }

    @Test("a pattern's weights are those of its modules")
    func patterns() throws {
        let adapters = try opened(["x", "w"], [1, 1])
        let given = [try WeightPattern("q_proj", weights: [1, 0]), try WeightPattern(".*mlp.*", weights: [0, 2])]
        let merged = try merged("linear", adapters) { $0.patterns = given }.changes()
        let (x, w) = (try adapters[0].adapter.changes(), try adapters[1].adapter.changes())
        for (module, change) in merged {
            var expected = try #require(x[module])
            let other = try #require(w[module])
            if module.contains("mlp") {
                expected = other.scaled(by: 2)
            } else if !module.hasSuffix("q_proj") {
                expected.add(1, times: other)
            }
            #expect(change.relativeError(to: expected) < 1e-6, "\(module)")
        }
    }

    @Test("narrow factors are rounded once and close")
    func narrow() throws {
        let adapters = try opened(["x", "y"], [0.5, 0.5])
        let wide = try merged("linear", adapters).changes()
        let merged = try merged("linear", adapters) { $0.dtype = .bf16 }
        for entry in merged.entries {
            #expect(entry.tensors.allSatisfy { $0.source.dtype == .bf16 })
            let a = try #require(entry[.a])
            #expect(try #require(wide[entry.modulePath]).columns == a.shape.dimensions[1])
        }
    }

    @Test("the config names modules shortly where that says the same")
    func config() throws {
        let merged = try merged("linear", opened(["x", "z"], [0.5, 0.5]))
        #expect(
            merged.parameters["target_modules"]?.strings == ["down_proj", "gate_proj", "o_proj", "q_proj"])
        for entry in merged.entries { #expect(try merged.loraScale(of: entry) == 1) }
    }

    // MARK: Refusals

    @Test("what cannot be is refused")
    func refusals() throws {
        func expect(
            _ code: Failure.Code, _ method: String, _ names: [String], _ weights: [Double],
            _ change: (inout AdapterMergeOptions) -> Void = { _ in }, line: Int = #line
        ) {
            let failure = #expect(throws: Failure.self, "line \(line)") {
                _ = try merged(method, opened(names, weights), change)
            }
            #expect(failure?.code == code, "line \(line): \(String(describing: failure))")
        }
        expect(.usage, "no-such", ["x"], [1])
        expect(.usage, "slerp", ["x", "y", "z"], [1, 1, 1])
        expect(.usage, "slerp", ["x", "y"], [1, -1])
        expect(.usage, "karcher", ["x", "y"], [0.5, -0.5])
        expect(.usage, "model-stock", ["x"], [1])
        expect(.usage, "ties", ["x", "y"], [1, 1]) { $0.density = 0 }
        expect(.usage, "ties", ["x", "y"], [1, 1]) { $0.density = -1 }
        expect(.usage, "della", ["x", "y"], [1, 1]) { $0.density = 0.1 }
        expect(.usage, "breadcrumbs", ["x", "y"], [1, 1]) { $0.gamma = 2 }
        expect(.usage, "linear", ["x", "y"], [1, .nan])
        expect(.usage, "linear", ["x", "y"], [1, 1]) { $0.rank = 0 }
        expect(.notMergeable, "linear", ["x", "y"], [0, 0])
    }

    @Test("adapters that are no sums are refused by name")
    func otherMethods() throws {
        func adapter(_ name: String) throws -> WeightedAdapter {
            WeightedAdapter(
                try MergedFixtures.adapter(name), contentDigest: SHA256.hash([]), path: name, weight: 0.5)
        }
        for name in ["lora-dora", "lora-lora-bias", "lora-pissa", "lora-qalora", "vera", "loha", "boft", "lokr"] {
            let failure = #expect(throws: Failure.self) {
                _ = try merged("linear", [adapter(name), adapter("lora-llama")])
            }
            #expect(failure?.code == .notMergeable, "\(name): \(String(describing: failure))")
        }
    }
}

extension Adapter {
    /// Every A and B times a power of two.
    fileprivate func rescaled(a: Float, b: Float) throws -> Adapter {
        var adapter = self
        for index in adapter.entries.indices where adapter.entries[index].key.kind == .lora {
            adapter.entries[index].tensors = try adapter.entries[index].tensors.map { tensor in
                let factor = tensor.role == .a ? a : b
                let bytes = try floats(of: tensor.source).flatMap { value in
                    (0..<4).map { UInt8(truncatingIfNeeded: (factor * value).bitPattern >> (8 * $0)) }
                }
                return RoleTensor(
                    tensor.role, try TensorBuffer(dtype: .f32, shape: tensor.source.shape, bytes: bytes))
            }
        }
        return adapter
    }
}
