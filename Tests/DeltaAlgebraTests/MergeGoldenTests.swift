import Checkpoints
import DeltaAlgebra
import Diagnostics
import Files
import JSON
import Parallelism
import Support
import Tensors
import Testing

/// What `Fixtures/merge` says of every method of recipes: numpy's results in fp64, from `Tests/Peers/merge_reference.py`.
struct RecipeCase: CustomTestStringConvertible {
    let name: String
    let method: String
    let models: [String]
    let hasBase: Bool
    /// Of all, and of each model.
    let shared: [(String, Double)]
    let each: [[(String, Double)]]
    let seed: UInt64
    let allowsUnusable: Bool

    var testDescription: String { name }

    static let folder = Paths.joined(MergedFixtures.root, "merge")

    static let all: [RecipeCase] = {
        guard let file = try? InputFile(path: Paths.joined(folder, "cases.json")),
            let bytes = try? file.read(at: 0, count: file.size),
            let cases = try? JSONValue.parse(bytes).object?["recipes"]?.array
        else { return [] }
        return cases.compactMap(RecipeCase.init)
    }()

    private init?(_ value: JSONValue) {
        guard let object = value.object, let name = object["name"]?.string, let method = object["method"]?.string,
            let models = object["models"]?.array?.compactMap(\.string)
        else { return nil }
        self.name = name
        self.method = method
        self.models = models
        hasBase = object["base"]?.bool ?? false
        shared = Self.settings(object["shared"])
        each = object["each"]?.array?.map { Self.settings($0) } ?? []
        seed = UInt64(object["seed"]?.int ?? 0)
        allowsUnusable = object["allow_nan"]?.bool ?? false
    }

    private static func settings(_ value: JSONValue?) -> [(String, Double)] {
        value?.object?.members.compactMap { member in
            (member.value.double ?? member.value.bool.map { $0 ? 1 : 0 }).map { (member.key, $0) }
        } ?? []
    }

    func merge(of tensor: String, by method: any MergeMethod) throws -> TensorMerge {
        func values(_ scope: MergeSetting.Scope, _ own: [(String, Double)]) -> MergeValues {
            var values = MergeValues()
            for (key, value) in shared + own
            where method.settings.contains(where: { $0.name == key && $0.scope == scope }) {
                values[key] = value
            }
            return values
        }
        func source(_ model: String) throws -> any TensorSource {
            let path = Paths.joined(Self.folder, "models/\(model)/model.safetensors")
            return try #require(SafetensorsFile(InputFile(path: path)).source(named: tensor))
        }
        return TensorMerge(
            name: tensor,
            base: hasBase ? .init(try source("base"), model: "base", number: -1) : nil,
            inputs: try models.enumerated().map { number, model in
                .init(
                    try source(model), model: model, number: number,
                    values: values(.model, number < each.count ? each[number] : []))
            }, values: values(.tensor, []), seed: seed)
    }
}

@Suite("Merging against the reference") struct MergeGoldenTests {
    @Test func everyMethodHasACase() {
        #expect(Set(RecipeCase.all.map(\.method)) == Set(MergeMethods.all.map(\.word)))
    }

    @Test(arguments: RecipeCase.all) func sameAsReference(_ one: RecipeCase) throws {
        let file = try SafetensorsFile(
            InputFile(path: Paths.joined(RecipeCase.folder, "recipes.safetensors")))
        let method = try #require(MergeMethods.named(one.method))
        var compared = 0
        for place in file.tensors.indices where file.tensors[place].name.hasPrefix(one.name + "/") {
            let name = String(file.tensors[place].name.dropFirst(one.name.utf8.count + 1))
            let golden = try doubles(of: file.source(at: place))
            let merged = try floats(
                of: MergedTensor(
                    try one.merge(of: name, by: method), by: method, dtype: .f32,
                    allowsUnusable: one.allowsUnusable))
            try #require(merged.count == golden.count)
            var (error, size) = (0.0, 0.0)
            for (value, wanted) in zip(merged, golden) {
                if wanted.isNaN {
                    #expect(value.isNaN)
                } else {
                    error += (Double(value) - wanted) * (Double(value) - wanted)
                    size += wanted * wanted
                }
            }
            #expect(error.squareRoot() <= 1e-6 * size.squareRoot(), "\(name): \((error / size).squareRoot())")
            compared += 1
        }
        #expect(compared > 0)
    }
}

/// All elements of an fp64 tensor.
private func doubles(of source: any TensorSource) throws -> [Double] {
    let bytes = try source.readAll()
    return stride(from: 0, to: bytes.count, by: 8).map { start in
        Double(bitPattern: (0..<8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64(bytes[start + $1]) })
    }
}
