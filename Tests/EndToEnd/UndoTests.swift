import Files
import JSON
import Support
import Testing

/// Taking merged adapters off again, and exchanging them.
@Suite("Undo")
struct UndoTests {
    private static let dtypes = ["F32", "BF16", "F16"]

    /// The base of the fixtures, in `dtype`.
    private func makeBase(_ dtype: String, at path: String) throws {
        let source = Paths.joined(Fixtures.root, "bases/llama")
        if dtype == "F32" { return try copyFolder(source, to: path) }
        var model = TinyModel()
        let original = try Checkpoint(Paths.joined(source, "model.safetensors"))
        for (name, tensor) in original.tensors.sorted(by: { $0.key < $1.key }) {
            let words = stride(from: 0, to: tensor.bytes.count, by: 4).map { start in
                (0..<4).reduce(0) { $0 | UInt32(tensor.bytes[start + $1]) << ($1 * 8) }
            }
            let halves = words.map { dtype == "BF16" ? UInt16($0 >> 16) : Self.half($0) }
            model[name] = .init(
                dtype: dtype, shape: tensor.shape,
                bytes: halves.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] })
        }
        model.companions["config.json"] = try contents(of: Paths.joined(source, "config.json"))
        model.metadata = ["format": "pt"]
        try model.write(to: path)
    }

    /// The bits of an fp32 number as fp16, cut off.
    private static func half(_ bits: UInt32) -> UInt16 {
        let sign = UInt16(bits >> 16) & 0x8000
        let exponent = Int(bits >> 23 & 0xFF) - 127 + 15
        guard exponent > 0 else { return sign }
        return sign | UInt16(min(exponent, 30)) << 10 | UInt16(bits >> 13 & 0x3FF)
    }

    /// A folder with the base of the fixtures in it.
    private func onBase(_ dtype: String = "BF16", _ body: (TemporaryFolder) throws -> Void) throws {
        try inFolder { place in
            try makeBase(dtype, at: place("base"))
            try body(place)
        }
    }

    private func merge(
        _ adapters: [String], in place: TemporaryFolder, _ more: [String] = [], as name: String = "merged"
    ) throws {
        try succeed(["apply"] + adapters + ["--base", place("base"), "-o", place(name)] + more)
    }

    @Test(
        "gives the base back, byte for byte", arguments: dtypes,
        ["lora-llama", "lora-dora", "ia3", "oft", "loha", "lora-modules-to-save-norm", "lokr"])
    func comesBack(dtype: String, adapter: String) throws {
        try onBase(dtype) { place in
            let container = try packed(adapter, in: place)
            try merge([container], in: place, ["--undo", place("u.tenon"), "--scale", "1"])
            for level in ["structure", "quick", "full"] {
                try succeed(["verify", place("u.tenon"), "--level", level, "--values"])
            }
            let inspected = try document(succeed(["inspect", place("u.tenon"), "--json"]))
            #expect(inspected["method"]?.string == "delta")
            let report = try document(
                succeed([
                    "unapply", container, "--merged", place("merged"), "--undo", place("u.tenon"), "-o",
                    place("again"), "--json",
                ]))
            try expectSameFiles(place("base"), place("again"))
            let base = try document(succeed(["fingerprint", place("base"), "--json"]))
            #expect(report["resultRoot"] == base["root"])
            try succeed([
                "unapply", container, "--merged", place("merged"), "--base", place("base"), "-o", place("other"),
            ])
            try expectSameFiles(place("base"), place("other"))
        }
    }

    @Test("of several adapters with weights, on every body", arguments: dtypes)
    func several(dtype: String) throws {
        try onBase(dtype) { place in
            let adapters = [
                try packed("lora-llama", in: place), try packed("loha", in: place, as: "b.tenon"),
            ]
            let weights = ["--weights", "0.3,-1.7"]
            var corrections: [[UInt8]] = []
            for (number, level) in ["portable", "avx2", "avx512"].enumerated() {
                try succeed(
                    ["apply"] + adapters + [
                        "--base", place("base"), "-o", place("merged"), "--undo", place("u.tenon"), "--force",
                        "--threads", "\(number + 1)",
                    ] + weights, environment: ["TENON_SIMD": level])
                corrections.append(try contents(of: place("u.tenon")))
                let other = ["avx512", "portable", "avx2"][number]
                try succeed(
                    ["unapply"] + adapters + [
                        "--merged", place("merged"), "--undo", place("u.tenon"), "-o", place("again"), "--force",
                    ], environment: ["TENON_SIMD": other])
                try expectSameFiles(place("base"), place("again"))
            }
            #expect(Set(corrections).count == 1)
            try succeed(
                ["unapply"] + adapters + ["--merged", place("merged"), "--base", place("base")] + weights + [
                    "-o", place("other"),
                ])
            try expectSameFiles(place("base"), place("other"))
            let out = ["-o", place("out")]
            let unapply = ["unapply"] + adapters + ["--merged", place("merged"), "--base", place("base")] + out
            try expectFailure(65, "base-mismatch", unapply)
            try expectFailure(
                65, "base-mismatch",
                ["unapply"] + adapters.reversed() + ["--merged", place("merged"), "--undo", place("u.tenon")] + out)
            try expectFailure(
                65, "base-mismatch",
                ["unapply", adapters[0], "--merged", place("merged"), "--undo", place("u.tenon")] + out)
            #expect(try !exists(place("out")))
        }
    }

    @Test("takes the PEFT folder as well as the container")
    func folder() throws {
        try onBase { place in
            try merge([Fixtures.path("lora-llama")], in: place, ["--undo", place("u.tenon")])
            let container = try packed("lora-llama", in: place)
            try succeed([
                "unapply", container, "--merged", place("merged"), "--undo", place("u.tenon"), "-o", place("again"),
            ])
            try expectSameFiles(place("base"), place("again"))
        }
    }

    @Test("needs a correction or the base, and says so before it reads anything")
    func neither() throws {
        try inFolder { place in
            let unapply = ["unapply", place("none.tenon"), "--merged", place("nothing"), "-o", place("out")]
            try expectFailure(64, "usage", unapply)
            try expectFailure(64, "usage", unapply + ["--undo", place("u.tenon"), "--base", place("base")])
            let run = try runTool(unapply)
            #expect(run.errors.contains("--undo") && run.errors.contains("--base"))
        }
    }

    @Test("refuses what does not belong together")
    func wrong() throws {
        try onBase { place in
            let first = try packed("lora-llama", in: place)
            let second = try packed("loha", in: place, as: "b.tenon")
            try merge([first], in: place, ["--undo", place("u.tenon")])
            try merge([second], in: place, ["--undo", place("v.tenon")], as: "other")
            let before = try place.names()
            func unapply(_ adapter: String, _ merged: String, _ correction: String) -> [String] {
                [
                    "unapply", adapter, "--merged", place(merged), "--undo", place(correction), "-o", place("out"),
                ]
            }
            try expectFailure(65, "base-mismatch", unapply(second, "merged", "u.tenon"))
            try expectFailure(65, "base-mismatch", unapply(first, "merged", "v.tenon"))
            try expectFailure(65, "base-mismatch", unapply(first, "other", "u.tenon"))
            try expectFailure(65, "base-mismatch", unapply(first, "base", "u.tenon"))
            try expectFailure(65, "bad-param", unapply(first, "merged", "a.tenon"))
            try expectFailure(66, "not-found", unapply(first, "merged", "none.tenon"))
            try expectFailure(
                65, "base-mismatch",
                ["unapply", second, "--merged", place("merged"), "--base", place("base"), "-o", place("out")])
            try expectFailure(
                65, "base-mismatch",
                ["unapply", first, "--merged", place("merged"), "--base", place("other"), "-o", place("out")])
            // A correction is no delta to be applied.
            try expectFailure(
                65, "not-mergeable", ["apply", place("u.tenon"), "--base", place("merged"), "-o", place("out")])
            #expect(try place.names() == before)
        }
    }

    @Test("refuses a damaged correction, and a merged checkpoint with another bit")
    func damaged() throws {
        try onBase { place in
            let adapter = try packed("lora-llama", in: place)
            try merge([adapter], in: place, ["--undo", place("u.tenon")])
            let good = try contents(of: place("u.tenon"))
            let unapply = [
                "unapply", adapter, "--merged", place("merged"), "--undo", place("bad.tenon"), "-o", place("out"),
            ]
            for offset in stride(from: 5, to: good.count, by: max(1, good.count / 30)) {
                var bad = good
                bad[offset] ^= 4
                try place.write(bad, to: "bad.tenon")
                let run = try runTool(unapply)
                #expect(run.status == 65, "byte \(offset) \(run.errors)")
            }
            for count in [0, good.count / 2, good.count - 1] {
                try place.write(Array(good[..<count]), to: "bad.tenon")
                try expectFailure(65, "truncated", unapply)
            }
            try place.write(good, to: "bad.tenon")
            let weights = try contents(of: place("merged/model.safetensors"))
            // The last byte is of a tensor that no adapter changes, the middle one of one that it does.
            for offset in [weights.count - 1, weights.count / 2] {
                var bad = weights
                bad[offset] ^= 1
                try place.write(bad, to: "merged/model.safetensors")
                let run = try runTool(unapply + ["--json"])
                #expect(run.status == 65, "byte \(offset) \(run.errors)")
                let code = try document(run)["error"]?["code"]?.string
                #expect(["base-mismatch", "digest-mismatch"].contains(code))
            }
            #expect(try !exists(place("out")))
        }
    }

    @Test("writes corrections that can be unpacked as safetensors, and say why not as an adapter")
    func unpacked() throws {
        try onBase { place in
            try merge([Fixtures.path("lora-llama")], in: place, ["--undo", place("u.tenon")])
            let unpack = ["unpack", place("u.tenon"), "-o", place("out"), "--format"]
            for format in ["peft", "vllm"] {
                try expectFailure(65, "not-exportable", unpack + [format])
                #expect(try runTool(unpack + [format]).errors.contains("hint: tenon unapply"))
            }
            #expect(try !exists(place("out")))
            try succeed(unpack + ["safetensors"])
            #expect(try Checkpoint(place("out")).tensors.values.allSatisfy { $0.dtype == "U16" })
        }
    }

    @Test("writes nothing in a dry run, and replaces only if told to")
    func outputs() throws {
        try onBase { place in
            let adapter = try packed("lora-llama", in: place)
            try merge([adapter], in: place, ["--undo", place("u.tenon"), "--dry-run"])
            #expect(try place.names() == ["a.tenon", "base"])
            try merge([adapter], in: place, ["--undo", place("u.tenon")])
            try expectFailure(
                73, "output-exists",
                ["apply", adapter, "--base", place("base"), "-o", place("out"), "--undo", place("u.tenon")])
            let before = try place.names()
            let unapply = ["unapply", adapter, "--merged", place("merged"), "--undo", place("u.tenon")]
            let dry = try document(succeed(unapply + ["-o", place("again"), "--dry-run", "--json"]))
            #expect(try place.names() == before)
            #expect(dry["output"]?.string == place("again") && dry["resultRoot"] == .null)
            try expectFailure(73, "output-exists", unapply + ["-o", place("base")])
            try expectFailure(73, "output-exists", unapply + ["-o", place("base"), "--dry-run"])
            try succeed(unapply + ["-o", place("again")])
            try expectFailure(73, "output-exists", unapply + ["-o", place("again")])
            try succeed(unapply + ["-o", place("again"), "--force"])
            try expectFailure(
                64, "usage",
                [
                    "apply", adapter, "--base", place("base"), "-o", place("out"), "--undo", place("w.tenon"),
                    "--dtype", "f32",
                ])
        }
    }

    @Test("of an adapter that is exchanged gives what applying the other gives", arguments: dtypes)
    func exchanged(dtype: String) throws {
        try onBase(dtype) { place in
            let first = try packed("lora-llama", in: place)
            for other in ["lora-dora", "loha", "ia3", "lora-modules-to-save-norm"] {
                let second = try packed(other, in: place, as: other + ".tenon")
                // What is no sum cannot be weighed.
                let scale = ["--scale", ["loha"].contains(other) ? "0.5" : "1"]
                try merge([first], in: place, ["--force"] + scale)
                try merge([second], in: place, ["--force"] + scale, as: "wanted")
                let exchange = [
                    "switch", "--merged", place("merged"), "--from", first, "--to", second, "--base", place("base"),
                    "-o", place("out"), "--force",
                ]
                try succeed(exchange + scale)
                try expectSameFiles(place("wanted"), place("out"))
            }
        }
    }

    @Test("of adapters with spaces between or commas, for every verb that takes some")
    func lists() throws {
        try onBase { place in
            let names = ["lora-llama", "loha", "lora-rslora"]
            let adapters = try names.map { try packed($0, in: place, as: $0 + ".tenon") }
            let two = Array(adapters[..<2])
            let joined = two.joined(separator: ",")
            try merge(two, in: place)
            try merge([joined], in: place, as: "same")
            try expectSameFiles(place("merged"), place("same"))
            let weights = ["--weights", "1,1"]
            for list in [two, [joined]] {
                try succeed(
                    ["unapply"] + list + weights + [
                        "--merged", place("merged"), "--base", place("base"), "-o", place("again"), "--force",
                    ])
                try expectSameFiles(place("base"), place("again"))
                try succeed(
                    ["switch", "--from"] + list + ["--to", adapters[2], "--merged", place("merged")] + [
                        "--base", place("base"), "-o", place("other"), "--force",
                    ])
                try succeed(
                    ["switch", "--from", adapters[2], "--to"] + list + ["--merged", place("other")] + [
                        "--base", place("base"), "-o", place("back"), "--force",
                    ])
                try expectSameFiles(place("merged"), place("back"))
            }
        }
    }

    @Test("of several adapters with weights that are exchanged, by the base or by the correction", arguments: dtypes)
    func severalExchanged(dtype: String) throws {
        try onBase(dtype) { place in
            let names = ["lora-llama", "loha", "lora-rslora", "lora-dora"]
            let adapters = try names.map { try packed($0, in: place, as: $0 + ".tenon") }
            try merge(
                Array(adapters[..<2]), in: place, ["--weights", "0.3,-1.7", "--undo", place("u.tenon")])
            func exchange(_ to: String, _ more: [String]) -> [String] {
                [
                    "switch", "--merged", place("merged"), "--from", adapters[..<2].joined(separator: ","), "--to", to,
                    "-o", place("out"), "--force",
                ] + more
            }
            for (others, weights) in [([2, 1], "0.25,-2"), ([0], "0.5"), ([3], "1"), ([2, 3], "-1,1")] {
                let new = others.map { adapters[$0] }
                try merge(new, in: place, ["--weights", weights, "--force"], as: "wanted")
                let list = new.joined(separator: ",")
                let byBase = ["--base", place("base"), "--from-weights", "0.3,-1.7", "--weights", weights]
                for more in [byBase, ["--undo", place("u.tenon"), "--weights", weights]] {
                    let report = try document(succeed(exchange(list, more + ["--json"])))
                    try expectSameFiles(place("wanted"), place("out"))
                    let wanted = try document(succeed(["fingerprint", place("wanted"), "--json"]))
                    #expect(report["resultRoot"] == wanted["root"])
                }
            }
        }
    }

    @Test("of an exchange by a correction is refused where they do not belong together")
    func wrongExchangeByCorrection() throws {
        try onBase { place in
            let first = try packed("lora-llama", in: place)
            let second = try packed("loha", in: place, as: "b.tenon")
            try merge([first], in: place, ["--undo", place("u.tenon")])
            try merge([second], in: place, ["--undo", place("v.tenon")], as: "other")
            let elsewhere = try runTool([
                "pack", Fixtures.path("ia3"), "--base", place("other"), "-o", place("c.tenon"),
            ])
            try #require(elsewhere.status == 0)
            let before = try place.names()
            func exchange(_ merged: String, _ from: String, _ to: String, _ more: [String]) -> [String] {
                ["switch", "--merged", place(merged), "--from", from, "--to", to, "-o", place("out")] + more
            }
            let undo = ["--undo", place("u.tenon")]
            try expectFailure(65, "base-mismatch", exchange("merged", second, first, undo))
            try expectFailure(65, "base-mismatch", exchange("other", first, second, undo))
            try expectFailure(65, "base-mismatch", exchange("base", first, second, undo))
            try expectFailure(65, "base-mismatch", exchange("merged", first, second, ["--undo", place("v.tenon")]))
            // Bound to another base than the one that came back.
            try expectFailure(65, "base-mismatch", exchange("merged", first, place("c.tenon"), undo))
            try expectFailure(65, "bad-param", exchange("merged", first, second, ["--undo", first]))
            for more in [
                [], undo + ["--base", place("base")], undo + ["--from-weights", "1"], undo + ["--weights", "1,2"],
            ] {
                try expectFailure(64, "usage", exchange("merged", first, second, more))
            }
            #expect(try place.names() == before)
            var bad = try contents(of: place("merged/model.safetensors"))
            // Of a tensor that neither changes.
            bad[bad.count - 1] ^= 1
            try place.write(bad, to: "merged/model.safetensors")
            try expectFailure(65, "digest-mismatch", exchange("merged", first, second, undo))
        }
    }

    @Test("of a wrong merged checkpoint is refused")
    func wrongExchange() throws {
        try onBase { place in
            let first = try packed("lora-llama", in: place)
            let second = try packed("loha", in: place, as: "b.tenon")
            try merge([first], in: place)
            let before = try place.names()
            func exchange(_ from: String, _ to: String, _ merged: String = "merged") -> [String] {
                [
                    "switch", "--merged", place(merged), "--from", from, "--to", to, "--base", place("base"), "-o",
                    place("out"),
                ]
            }
            try expectFailure(65, "base-mismatch", exchange(second, first))
            try expectFailure(65, "base-mismatch", exchange(first, second, "base"))
            try expectFailure(65, "base-mismatch", exchange(first, second) + ["--scale", "2"])
            try expectFailure(66, "not-found", exchange(first, place("none.tenon")))
            var bad = try contents(of: place("merged/model.safetensors"))
            bad[bad.count - 1] ^= 1
            try place.write(bad, to: "merged/model.safetensors")
            try expectFailure(65, "base-mismatch", exchange(first, second))
            #expect(try place.names() == before)
        }
    }
}
