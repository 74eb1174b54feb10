import Files
import JSON
import Support
import Testing

@Suite("tenon merge --recipe")
struct MergeRecipeTests {
    private static let folder = Paths.joined(Fixtures.root, "merge")

    /// A case of `Fixtures/merge`, with its recipe as mergekit would be given it.
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let recipe: String
        let seed: Int
        let allowsNaN: Bool

        var testDescription: String { name }

        static let all: [Case] = {
            guard let bytes = try? contents(of: Paths.joined(folder, "cases.json")),
                let cases = try? JSONValue.parse(bytes).object?["recipes"]?.array
            else { return [] }
            return cases.compactMap { value in
                guard let name = value["name"]?.string, let recipe = value["recipe"]?.string else { return nil }
                let pieces = recipe.split(separator: " models/", omittingEmptySubsequences: false)
                return Case(
                    name: name, recipe: pieces.joined(separator: " \(folder)/models/"),
                    seed: value["seed"]?.int ?? 0, allowsNaN: value["allow_nan"]?.bool ?? false)
            }
        }()
    }

    /// Two models and their base, of some blocks each, in two shards.
    private func prepare(_ place: TemporaryFolder) throws {
        for (name, stride) in [("base", nil), ("a", 6), ("b", 10)] as [(String, Int?)] {
            try SyntheticModel.make(
                at: place(name), count: 4, tensorBytes: 300_000, shards: 2, changing: stride)
        }
    }

    private func write(_ recipe: String, in place: TemporaryFolder) throws -> String {
        try place.write(Array(recipe.utf8), to: "recipe.yaml")
    }

    private func recipe(_ method: String, _ parameters: String = "{}", own: String = "{weight: 0.5, density: 0.4}")
        -> String
    {
        """
        merge_method: \(method)
        \(method == "linear" || method == "karcher" ? "" : "base_model: base")
        models:
          - {model: a, parameters: \(own)}
          - {model: b, parameters: \(own)}
        parameters: \(parameters)
        dtype: bfloat16

        """
    }

    @Test("gives what the reference does", arguments: Case.all)
    func sameAsReference(_ one: Case) throws {
        try inFolder { place in
            let path = try write(one.recipe, in: place)
            try succeed(
                ["merge", "--recipe", path, "-o", place("out"), "--seed", "\(one.seed)"]
                    + (one.allowsNaN ? ["--allow-nan"] : []))
            let found = try Checkpoint(place("out/model.safetensors")).tensors
            let wanted = try Checkpoint(Paths.joined(Self.folder, "recipes.safetensors")).tensors
            var compared = 0
            for (name, tensor) in wanted where name.hasPrefix(one.name + "/") {
                let own = try #require(found[String(name.dropFirst(one.name.utf8.count + 1))])
                #expect(own.shape == tensor.shape)
                var (error, size) = (0.0, 0.0)
                for (value, wanted) in zip(own.floats, tensor.floats) {
                    if wanted.isNaN {
                        #expect(value.isNaN)
                    } else {
                        error += (value - wanted) * (value - wanted)
                        size += wanted * wanted
                    }
                }
                #expect(error.squareRoot() <= 1e-6 * size.squareRoot(), "\(name)")
                compared += 1
            }
            #expect(compared > 0)
        }
    }

    @Test(
        "gives the same bytes for any number of threads and any memory, and twice",
        arguments: [
            "linear", "ties", "dare_ties", "della", "breadcrumbs_ties", "model_stock", "sce", "karcher", "ramplus_tl",
        ])
    func repeatable(_ method: String) throws {
        try inFolder { place in
            try prepare(place)
            let own = ["linear", "ties", "dare_ties", "della", "breadcrumbs_ties"].contains(method)
            _ = try write(
                recipe(method, own: own ? method == "linear" ? "{weight: 0.5}" : "{weight: 0.5, density: 0.4}" : "{}"),
                in: place)
            for (number, options) in [
                "--threads 1 --memory 256M", "--threads 2 --memory 2G", "--threads 2 --memory 256M", "--threads 2",
            ].enumerated() {
                let run = try runShell(
                    "tenon merge --recipe recipe.yaml --allow-nan -o \(number) \(options)", in: place.path)
                try #require(run.status == 0, "\(run.errors)")
                try expectSameFiles(place("0"), place("\(number)"))
            }
            #expect(try place.names() == ["0", "1", "2", "3", "a", "b", "base", "recipe.yaml"])
        }
    }

    @Test(
        "refuses what a recipe cannot say, with its line, and leaves nothing",
        arguments: [
            (
                "recipe-invalid", "7",
                "merge_method: ties\nbase_model: base\nmodels:\n  - model: a\n    parameters: {weight: 1}\ndtype: bfloat16\nnormalise: true\n"
            ),
            ("recipe-invalid", "1", "merge_method: tie\nbase_model: base\nmodels:\n  - model: a\n"),
            (
                "not-found", "nowhere",
                "merge_method: linear\nmodels:\n  - model: nowhere\n    parameters: {weight: 1}\n"
            ),
            (
                "recipe-invalid", "weight",
                "merge_method: linear\nmodels:\n  - model: a\n    parameters: {weight: 1}\n  - model: b\n    parameters: {weight: -1}\n"
            ),
            (
                "recipe-invalid", "base",
                "merge_method: task_arithmetic\nmodels:\n  - model: a\n    parameters: {weight: 1}\n"
            ),
            (
                "recipe-invalid", "density",
                "merge_method: della\nbase_model: base\nmodels:\n  - model: a\n    parameters: {weight: 1, density: 0.9, epsilon: 0.3}\n"
            ),
            (
                "recipe-invalid", "density",
                "merge_method: ties\nbase_model: base\nmodels:\n  - model: a\n    parameters: {weight: 1, density: 5}\n"
            ),
            (
                "recipe-invalid", "line 4",
                "merge_method: linear\nmodels:\n  - {model: a, parameters: {weight: 1}}\ndtype: float64\n"
            ),
        ])
    func refusals(code: String, word: String, recipe: String) throws {
        try inFolder { place in
            try prepare(place)
            _ = try write(recipe, in: place)
            let run = try runShell("tenon merge --recipe recipe.yaml -o out --json", in: place.path)
            let error = try JSONValue.parse(run.standardOutput)["error"]
            #expect(error?["code"]?.string == code, "\(run.output)")
            #expect(run.output.contains(word), "\(run.output)")
            #expect(run.status == (code == "not-found" ? 66 : 65))
            #expect(try place.names() == ["a", "b", "base", "recipe.yaml"])
        }
    }

    @Test("names the tensor and the model of a NaN, and of shapes that differ")
    func brokenModels() throws {
        try inFolder { place in
            try prepare(place)
            _ = try write(recipe("linear", own: "{weight: 1}"), in: place)
            let name = SyntheticModel.tensorName(0)
            let nan = Checkpoint.Tensor(f32: [1, .nan], [2])
            let plain = Checkpoint.Tensor(f32: [1, 2], [2])
            let long = Checkpoint.Tensor(f32: [1, 2, 3], [3])
            for (model, tensor, code) in [("b", nan, "not-finite"), ("b", long, "models-incompatible")] {
                for other in ["a", "b"] {
                    try Folder.remove(place(other))
                    try Folder.make(place(other))
                    try writeFile(Array("{}\n".utf8), to: place("\(other)/config.json"))
                    try Models.write([(name, other == model ? tensor : plain)], to: place("\(other)/model.safetensors"))
                }
                try Folder.remove(place("base"))
                try copyFolder(place("a"), to: place("base"))
                let run = try runShell("tenon merge --recipe recipe.yaml -o out --json", in: place.path)
                let error = try JSONValue.parse(run.standardOutput)["error"]
                #expect(error?["code"]?.string == code && error?["tensor"]?.string == name, "\(run.output)")
                #expect(run.status == 65)
                #expect(try place.names() == ["a", "b", "base", "recipe.yaml"])
            }
        }
    }

    @Test("puts the recipe as it is, and where it came from, beside the weights")
    func record() throws {
        try inFolder { place in
            try prepare(place)
            let path = try write(recipe("linear", own: "{weight: 1}"), in: place)
            _ = try runShell("tenon merge --recipe recipe.yaml --allow-nan -o out --seed 4", in: place.path)
            #expect(try contents(of: place("out/mergekit_config.yml")) == contents(of: path))
            let lineage = try JSONValue.parse(contents(of: place("out/tenon_lineage.json")))
            #expect(lineage["recipe"]?["merge_method"]?.string == "linear" && lineage["recipe"]?["seed"]?.int == 4)
            #expect(lineage["parents"]?.array?.compactMap { $0["name"]?.string } == ["a", "b"])
            #expect(lineage["parents"]?.array?.allSatisfy { $0["headers"]?.string?.count == 64 } == true)
        }
    }

    #if FaultInjection
        @Test("goes on with what an interrupted run left only when told to, and only with the same models' files")
        func interrupted() throws {
            try inFolder { place in
                try prepare(place)
                _ = try write(recipe("linear", own: "{weight: 1}"), in: place)
                let merge = "tenon merge --recipe recipe.yaml --allow-nan --shard-size 700K -o out"
                _ = try runShell("TENON_FAULT=fsync@.out:4=kill \(merge)", in: place.path)
                #expect(try place.names().contains(".out.tenon-partial"))
                let plain = try runShell("\(merge) --json", in: place.path)
                #expect(
                    plain.status == 73 && plain.output.contains("--resume goes on") && plain.output.contains("--force"))
                let shards = try place.names()
                #expect(shards.contains(".out.tenon-partial"))
                // Of which tokens the rows are is part of what was begun.
                try writeFile(Array("{}".utf8), to: place("b/tokenizer.json"))
                let other = try runShell("\(merge) --resume --json", in: place.path)
                #expect(other.status == 73 && other.output.contains("other inputs"))
                #expect(try runShell("\(merge) --force", in: place.path).status == 0)
                #expect(try !place.names().contains(".out.tenon-partial"))
            }
        }

        @Test("ends with the same bytes wherever it was killed", arguments: ["pwrite", "fsync", "rename"])
        func killed(call: String) throws {
            try inFolder { place in
                try prepare(place)
                _ = try write(recipe("ties"), in: place)
                let merge = "merge --recipe recipe.yaml --allow-nan --shard-size 700K -o"
                #expect(try runShell("tenon \(merge) whole", in: place.path).status == 0)
                var isDone = false
                for number in 1...40 where !isDone {
                    let run = try runShell(
                        "TENON_FAULT=\(call)@.out:\(number)=kill tenon \(merge) out", in: place.path)
                    isDone = run.status == 0
                    if !isDone {
                        let resumed = try runShell("tenon \(merge) out --resume", in: place.path)
                        #expect(resumed.status == 0, "\(resumed.errors)")
                    }
                    try expectSameFiles(place("whole"), place("out"))
                    #expect(try place.names() == ["a", "b", "base", "out", "recipe.yaml", "whole"])
                    try Folder.remove(place("out"))
                }
                #expect(isDone)
            }
        }
    #endif
}
