import Files
import JSON
import Support
import Testing

@Suite("Signs and mixtures")
struct SignsTests {
    private func extract(_ place: TemporaryFolder, _ more: [String], as name: String = "d.tenon") -> [String] {
        ["extract", "--base", place("base"), "--tuned", place("tuned"), "-o", place(name), "--force", "--json"] + more
    }

    private func write(_ models: (base: TinyModel, tuned: TinyModel), in place: TemporaryFolder) throws {
        try models.base.write(to: place("base"))
        try models.tuned.write(to: place("tuned"))
    }

    private func error(_ report: JSONValue) throws -> Double { try #require(report["relativeError"]?.double) }

    /// Bytes of matrices.
    private func size(_ report: JSONValue) -> Int {
        let names = Set(SpectrumModel.shapes.indices.map { SpectrumModel.name($0) })
        return (report["tensors"]?.array ?? []).filter { names.contains($0["name"]?.string ?? "") }.reduce(0) {
            $0 + ($1["storedBytes"]?.int ?? 0)
        }
    }

    /// Bytes of factors and signs before they are coded, at most: what a budget counts of them.
    private func rawSize(_ report: JSONValue) -> Int {
        var size = 0
        for (number, shape) in SpectrumModel.shapes.enumerated() {
            let name = SpectrumModel.name(number)
            guard let tensor = report["tensors"]?.array?.first(where: { $0["name"]?.string == name }) else { continue }
            size +=
                tensor["rank"]?.int.map { $0 * (shape[0] + shape[1]) * 4 } ?? (shape[0] * shape[1] / 8 + 4 * shape[0])
        }
        return size
    }

    // MARK: Signs

    @Test(
        "are the mean of the change and the sign of each element, with the error that is told",
        arguments: [true, false])
    func formula(byRow: Bool) throws {
        var random = RepeatableRandom(seed: 9)
        let (rows, columns) = (6, 2050)
        let before = (0..<rows * columns).map { _ in Float.random(in: -0.1...0.1, using: &random) }
        let after = before.enumerated().map { place, value in
            let size: Float = byRow ? 0.001 * Float(1 << (place / columns)) : 0.01
            return value + size * Float.random(in: -1...1, using: &random)
        }
        var base = TinyModel()
        base["a.weight"] = .floats(before, [rows, columns])
        base["norm.weight"] = .floats([1, 2, 3], [3])
        var tuned = base
        tuned["a.weight"] = .floats(after, [rows, columns])
        tuned["norm.weight"] = .floats([1, 2.5, 3], [3])

        let changes = zip(before, after).map { $1 - $0 }
        var (power, distance) = (0.0, 0.0)
        var expected: [Float] = []
        let stretch = byRow ? columns : rows * columns
        for start in stride(from: 0, to: changes.count, by: stretch) {
            let own = changes[start..<start + stretch]
            let scale = Float(own.reduce(0) { $0 + Double($1.magnitude) } / Double(stretch))
            for place in own.indices {
                expected.append(before[place] + (own[place] >= 0 ? scale : -scale))
                power += Double(own[place]) * Double(own[place])
                let rest = Double(own[place].magnitude) - Double(scale)
                distance += rest * rest
            }
        }
        try inFolder { place in
            try write((base, tuned), in: place)
            let report = try document(succeed(extract(place, ["--kind", "signs"])))
            let told = try error(report)
            #expect((told - (distance / power).squareRoot()).magnitude < 1e-9)
            #expect(report["resultRoot"]?.string == nil)
            let tensors = report["tensors"]?.array ?? []
            #expect(tensors.compactMap { $0["kind"]?.string }.contains("signs") && tensors.count == 2)
            try succeed(["apply", place("d.tenon"), "--base", place("base"), "-o", place("out")])
            let result = try Checkpoint(place("out/model.safetensors"))
            #expect(try #require(result.tensors["a.weight"]).floats == expected.map { Double($0) })
            #expect(try #require(result.tensors["norm.weight"]).floats == [1, 2.5, 3])
        }
    }

    @Test("and mixtures are the same bytes on every body and number of threads, and with a residual lose nothing")
    func deterministic() throws {
        try inFolder { place in
            let models = SpectrumModel.all[2].models()
            try write(models, in: place)
            var first: [UInt8]?
            for (number, level) in ["portable", "avx2", "avx512"].enumerated() {
                let environment = ["TENON_SIMD": level]
                let threads = ["--threads", "\(number + 1)"]
                try succeed(extract(place, ["--kind", "signs"] + threads), environment: environment)
                let bytes = try contents(of: place("d.tenon"))
                #expect(bytes == first ?? bytes, "\(level)")
                first = bytes
                try succeed(
                    ["apply", place("d.tenon"), "--base", place("base"), "-o", place("\(number)")] + threads,
                    environment: ["TENON_SIMD": ["avx2", "avx512", "portable"][number]])
                try expectSameFiles(place("0"), place("\(number)"))
            }
            for more in [
                ["--kind", "signs"], ["--kind", "mixed", "--error", "0.4"], ["--kind", "mixed", "--budget", "3K"],
            ] {
                let report = try document(succeed(extract(place, more + ["--residual"])))
                #expect(report["resultRoot"]?.string != nil)
                try succeed(["verify", place("d.tenon"), "--reconstructs", place("tuned")])
                try succeed(["apply", place("d.tenon"), "--base", place("base"), "-o", place("again"), "--force"])
                try expectSameFiles(place("tuned"), place("again"))
            }
        }
    }

    @Test("hold tensors that were added, removed and resized, and those that are not finite, as they are")
    func others() throws {
        try inFolder { place in
            var (base, tuned) = SpectrumModel.all[1].models()
            base["gone.weight"] = .floats([1, 2], [2, 1])
            base["long.weight"] = .floats([1, 2], [2, 1])
            tuned["new.weight"] = .floats([5, 6, 7], [3, 1])
            tuned["long.weight"] = .floats([1.5, 2.25, 9], [3, 1])
            base["bad.weight"] = .floats([1, 2], [2, 1])
            tuned["bad.weight"] = .floats([.infinity, 2], [2, 1])
            try write((base, tuned), in: place)
            for form in [["--kind", "signs"], ["--kind", "mixed", "--error", "0.5"]] {
                let report = try document(succeed(extract(place, form)))
                #expect(report["warnings"]?.array?.count == 1)
                try succeed(["apply", place("d.tenon"), "--base", place("base"), "-o", place("out"), "--force"])
                let result = try Checkpoint(place("out/model.safetensors"))
                #expect(result.tensors["gone.weight"] == nil)
                #expect(result.tensors["new.weight"]?.floats == [5, 6, 7])
                #expect(
                    result.tensors["long.weight"]?.floats.last == 9 && result.tensors["long.weight"]?.shape == [3, 1])
                #expect(result.tensors["bad.weight"]?.floats == [.infinity, 2])
            }
        }
    }

    @Test("do not go to PEFT, and say what would")
    func unpacked() throws {
        try inFolder { place in
            try write(SpectrumModel.all[0].models(), in: place)
            try succeed(extract(place, ["--kind", "signs"]))
            let unpack = ["unpack", place("d.tenon"), "-o", place("peft")]
            try expectFailure(65, "not-exportable", unpack)
            #expect(try runTool(unpack).errors.contains("tenon extract --rank"))
            try succeed(extract(place, ["--kind", "mixed", "--error", "0.001"]))
            let run = try succeed(unpack)
            #expect(run.errors.contains("only the LoRA is written"))
        }
    }

    // MARK: Mixtures

    @Test("are never worse than a LoRA or signs of their size, and no larger than asked", arguments: SpectrumModel.all)
    func budget(model: SpectrumModel) throws {
        try inFolder { place in
            try write(model.models(), in: place)
            let signs = try document(succeed(extract(place, ["--kind", "signs"])))
            let ranks = try [1, 3].map { try document(succeed(extract(place, ["--rank", "\($0)"]))) }
            for bytes in [rawSize(signs), 2000, 5000, 12_000] + ranks.map(rawSize) where bytes > 700 {
                let goal = ["--budget", "\(bytes)"]
                let mixed = try document(succeed(extract(place, ["--kind", "mixed"] + goal)))
                let lora = try document(succeed(extract(place, goal)))
                #expect(size(mixed) <= bytes)
                #expect(try error(mixed) <= error(lora) * (1 + 1e-4) + 1e-6, "\(bytes) bytes")
                for uniform in [signs] + ranks where rawSize(uniform) <= bytes {
                    #expect(try error(mixed) <= error(uniform) * (1 + 1e-4) + 1e-6, "\(bytes) bytes")
                }
            }
        }
    }

    @Test("keep the error that was asked for, of all tensors together", arguments: [0.6, 0.2, 0.01, 0])
    func error(wanted: Double) throws {
        for model in SpectrumModel.all {
            try inFolder { place in
                try write(model.models(), in: place)
                let report = try document(succeed(extract(place, ["--kind", "mixed", "--error", "\(wanted)"])))
                #expect(try error(report) <= wanted)
                try succeed(["apply", place("d.tenon"), "--base", place("base"), "-o", place("out")])
                if wanted == 0 {
                    #expect(
                        try contents(of: place("out/model.safetensors"))
                            == contents(of: place("tuned/model.safetensors")))
                }
            }
        }
    }

    // MARK: Use

    @Test("one lossless form is taken where it is asked for and applies")
    func forced() throws {
        let few = try #require(ExtractCase.all.first { $0.description == "BF16, one element in a hundred" })
        let many = try #require(ExtractCase.all.first { $0.description == "BF16, every other element" })
        let longer = try #require(ExtractCase.all.first { $0.description == "a vocabulary with more rows" })
        try inFolder { place in
            try write(few.models(), in: place)
            for kind in ["exact", "sparse"] {
                let report = try document(succeed(extract(place, ["--kind", kind])))
                #expect((report["tensors"]?.array ?? []).allSatisfy { $0["kind"]?.string == kind })
                try succeed(["verify", place("d.tenon"), "--reconstructs", place("tuned")])
            }
        }
        try inFolder { place in
            try write(many.models(), in: place)
            try expectFailure(64, "usage", extract(place, ["--kind", "sparse"]).filter { $0 != "--json" })
            try succeed(extract(place, ["--kind", "exact"]))
        }
        try inFolder { place in
            try write(longer.models(), in: place)
            try succeed(extract(place, ["--kind", "exact"]))
            try succeed(["verify", place("d.tenon"), "--reconstructs", place("tuned")])
        }
    }

    @Test("options that do not go together are refused")
    func usage() throws {
        try inFolder { place in
            try write(SpectrumModel.all[1].models(), in: place)
            for wrong in [
                ["--kind", "mixed"], ["--kind", "mixed", "--rank", "2"], ["--kind", "signs", "--budget", "1K"],
                ["--kind", "signs", "--dtype", "f16"], ["--kind", "exact", "--error", "0.1"],
                ["--kind", "sparse", "--residual"], ["--kind", "mixed", "--budget", "10"],
                ["--kind", "signs", "--target-modules", "nothing"],
            ] {
                try expectFailure(64, "usage", extract(place, wrong).filter { $0 != "--json" })
            }
            #expect(try place.names() == ["base", "tuned"])
        }
    }

    @Test("files are not counted as tensors, and unrelated models are told")
    func report() throws {
        try inFolder { place in
            var random = RepeatableRandom(seed: 77)
            var base = TinyModel()
            base["norm.weight"] = .floats([1, 2, 3], [3])
            var tuned = base
            for number in 0..<4 {
                base[SpectrumModel.name(number)] = .weights("BF16", [128, 256], &random)
                tuned[SpectrumModel.name(number)] = .weights("BF16", [128, 256], &random)
            }
            try write((base, tuned), in: place)
            let run = try succeed(extract(place, []).filter { $0 != "--json" })
            #expect(run.output.contains("1 tensor equal, 4 full; 2 files"), "\(run.output)")
            #expect(run.errors.contains("unrelated"))
            let related = try succeed(extract(place, ["--tuned", place("base")]).filter { $0 != "--json" })
            #expect(!related.errors.contains("unrelated"))
        }
    }
}
