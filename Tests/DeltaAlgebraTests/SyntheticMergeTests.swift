import Adapters
import DeltaAlgebra
import Diagnostics
import Digests
import LinearAlgebra
import Parallelism
import Support
import Tensors
import Testing

@Suite("Merging adapters made for the purpose")
struct SyntheticMergeTests {
    /// A LoRA whose modules have the given A and B, and perhaps more.
    private func adapter(
        _ modules: [(name: String, a: RealMatrix, b: RealMatrix)], _ more: [AdapterEntry] = [],
        parameters: [String: ParameterValue] = [:]
    ) throws -> WeightedAdapter {
        var adapter = Adapter(method: Method.lora.word, parameters: Parameters(parameters))
        adapter.parameters["lora_alpha"] = .int(Int64(modules.first?.a.rows ?? 1))
        for module in modules {
            adapter.entries.append(
                AdapterEntry(
                    key: EntryKey(module.name + ".weight", .lora),
                    tensors: [
                        RoleTensor(.a, try module.a.tensor()), RoleTensor(.b, try module.b.tensor()),
                    ]))
        }
        adapter.entries += more
        return WeightedAdapter(adapter, contentDigest: SHA256.hash([]), path: "synthetic", weight: 0.5)
    }

    private func random(_ rows: Int, _ columns: Int, _ seed: UInt64) -> RealMatrix {
        var random = RepeatableRandom(seed: seed)
        return RealMatrix(
            rows: rows, columns: columns,
            (0..<rows * columns).map { _ in Double(Float.random(in: -1...1, using: &random)) })
    }

    private func whole(_ target: String, _ kind: Kind, _ values: [Double], mode: String? = nil) throws -> AdapterEntry {
        let row = RealMatrix(rows: 1, columns: values.count, values)
        let tensor = try row.tensor(shape: [values.count])
        return AdapterEntry(
            key: EntryKey(target, kind), parameters: mode.map { ["mode": .string($0)] } ?? [:],
            tensors: [RoleTensor(.value, tensor)])
    }

    private func merged(_ method: String, _ adapters: [WeightedAdapter]) throws -> Adapter {
        try AdapterMergeJob(.method(try .named(method)), output: AdapterOutput("-", lanes: Lanes(count: 2))).merged(
            adapters)
    }

    @Test("one row, one column, rank above both sides, and zero factors")
    func shapes() throws {
        for (rows, columns, rank) in [(1, 9, 4), (9, 1, 4), (1, 1, 1), (6, 5, 12)] {
            let some = try adapter([("q", random(rank, columns, 1), random(rows, rank, 2))])
            let none = try adapter([("q", random(rank, columns, 3), RealMatrix(rows: rows, columns: rank))])
            for method in ["linear", "karcher", "ties", "sce", "breadcrumbs-ties"] {
                let change = try #require(try merged(method, [some, none]).changes()["q"])
                #expect(change.rows == rows && change.columns == columns && change.values.allSatisfy(\.isFinite))
            }
            let failure = #expect(throws: Failure.self) { _ = try merged("ties", [none, none]) }
            #expect(failure?.code == .notMergeable)
        }
    }

    @Test("a factor that is not finite is named")
    func notFinite() throws {
        var bad = random(2, 5, 1)
        bad[1, 3] = .nan
        let failure = #expect(throws: Failure.self) {
            _ = try merged("linear", [adapter([("layers.3.q", bad, random(4, 2, 2))])])
        }
        #expect(failure?.code == .notFinite && failure?.object == "layers.3.q.weight")
    }

    @Test("targets of different shapes are refused by name")
    func differentShapes() throws {
        let failure = #expect(throws: Failure.self) {
            _ = try merged(
                "linear",
                [
                    adapter([("q", random(2, 5, 1), random(4, 2, 2))]),
                    adapter([("q", random(2, 6, 1), random(4, 2, 2))]),
                ])
        }
        #expect(failure?.code == .kindShape && failure?.object == "q.weight")
    }

    @Test("biases that are added are weighed; what replaces the base's stays, or is refused")
    func wholeTensors() throws {
        let module = ("q", random(2, 5, 1), random(4, 2, 2))
        let added = try merged(
            "ties",
            [
                adapter([module], [whole("q.bias", .bias, [1, 2, 3, 4], mode: "add")]),
                adapter([module], [whole("q.bias", .bias, [3, 2, 1, 0], mode: "add")]), adapter([module]),
            ])
        let bias = try #require(added.entries.first { $0.key.kind == .bias }?[.value])
        #expect(try floats(of: bias) == [2, 2, 2, 2])

        let head = try whole("head.weight", .full, [1, 2])
        let kept = try merged("linear", [adapter([module], [head]), adapter([module]), adapter([module], [head])])
        #expect(try floats(of: #require(kept.entries.first { $0.key.kind == .full }?[.value])) == [1, 2])
        let failure = #expect(throws: Failure.self) {
            _ = try merged(
                "linear", [adapter([module], [head]), adapter([module], [whole("head.weight", .full, [1, 3])])])
        }
        #expect(failure?.code == .notMergeable && failure?.object == "head.weight")
    }

    @Test("the config names every module that has factors, and no other")
    func config() throws {
        func modules(_ layers: [Int], _ rank: Int) -> [(name: String, a: RealMatrix, b: RealMatrix)] {
            layers.map { ("m.layers.\($0).q", random(rank, 5, UInt64($0)), random(6, rank, 9)) }
        }
        let all = try adapter(modules([0, 1, 2], 2), parameters: ["target_modules": .list(["q"])])
        let short = try merged("cat", [all, all])
        #expect(short.parameters["target_modules"]?.strings == ["q"])
        #expect(short.parameters["r"]?.int == 4 && short.parameters["rank_pattern"] == nil)

        // One that has only some layers says nothing of the others.
        let some = try adapter(
            modules([1], 1), parameters: ["target_modules": .list(["q"]), "layers_to_transform": .list([1])])
        #expect(try merged("cat", [some]).parameters["target_modules"]?.strings == ["m.layers.1.q"])
        let mixed = try merged("cat", [all, some])
        #expect(mixed.parameters["target_modules"]?.strings == ["q"])
        #expect(mixed.parameters["rank_pattern"]?.map?.map { $0.key } == ["m.layers.0.q", "m.layers.2.q"])
        for entry in mixed.entries { #expect(try mixed.loraScale(of: entry) == 1) }
    }

    @Test("large pruned products come near to their best approximation")
    func largeProduct() throws {
        let sides = (rows: 272, columns: 288)
        let adapters = try (0..<2).map { number in
            try adapter([
                ("q", random(3, sides.columns, UInt64(2 * number)), random(sides.rows, 3, UInt64(2 * number + 1)))
            ])
        }
        var job = AdapterMergeJob(
            .peft(try PEFTCombination("magnitude_prune_svd")), output: AdapterOutput("-", lanes: Lanes(count: 2)))
        job.options.density = 0.3
        job.options.rank = 6
        let own = try #require(try job.merged(adapters).changes()["q"])
        var whole = RealMatrix(rows: sides.rows, columns: sides.columns)
        for one in adapters {
            let change = try #require(try one.adapter.changes()["q"])
            let count = Int(0.3 * Double(change.values.count))
            let order = change.values.indices.sorted { change.values[$0].magnitude > change.values[$1].magnitude }
            for place in order.prefix(count) { whole.values[place] += 0.5 * change.values[place] }
        }
        let values = SingularValues(whole).values
        let best = values.dropFirst(6).reduce(0) { $0 + $1 * $1 }.squareRoot()
        let error = own.relativeError(to: whole) * whole.dot(whole).squareRoot()
        #expect(error < 1.002 * best)
    }
}

extension RealMatrix {
    fileprivate func tensor(shape: Shape? = nil) throws -> TensorBuffer {
        let bytes = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: Float(value).bitPattern >> (8 * $0)) }
        }
        return try TensorBuffer(dtype: .f32, shape: shape ?? [rows, columns], bytes: bytes)
    }
}
