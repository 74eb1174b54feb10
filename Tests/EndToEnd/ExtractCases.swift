import JSON
import Support

/// A base and what was made of it.
struct ExtractCase: Sendable, CustomStringConvertible {
    let description: String
    /// Makes the tuned checkpoint of the base.
    private let change: @Sendable (inout TinyModel, inout TinyModel, inout RepeatableRandom) -> Void

    /// - Parameter change: May change the base too, before it is written.
    private init(
        _ name: String,
        _ change:
            @escaping @Sendable (
                _ base: inout TinyModel, _ tuned: inout TinyModel, _ random: inout RepeatableRandom
            ) -> Void
    ) {
        description = name
        self.change = change
    }

    func models() -> (base: TinyModel, tuned: TinyModel) {
        var random = RepeatableRandom(seed: 11)
        var base = Self.plain("BF16", &random)
        var tuned = base
        change(&base, &tuned, &random)
        return (base, tuned)
    }

    static func plain(_ dtype: String, _ random: inout RepeatableRandom) -> TinyModel {
        var model = TinyModel()
        model.companions["tokenizer.json"] = Array("{\"version\": \"1.0\"}".utf8)
        model.add("model.embed_tokens.weight", dtype, [96, 32], &random)
        for layer in 0..<3 {
            model.add("model.layers.\(layer).mlp.up_proj.weight", dtype, [48, 32], &random)
            model.add("model.layers.\(layer).norm.weight", dtype, [32], &random)
        }
        model.add("lm_head.weight", dtype, [96, 32], &random)
        return model
    }

    private static let embedding = "model.embed_tokens.weight"
    private static let head = "lm_head.weight"
    private static let up = "model.layers.1.mlp.up_proj.weight"

    static let all: [ExtractCase] =
        ["BF16", "F16", "F32", "F64"].flatMap { dtype in
            [
                ExtractCase("\(dtype), one element in a hundred") { base, tuned, random in
                    base = plain(dtype, &random)
                    tuned = base
                    tuned.tuneAll(every: 100, &random)
                },
                ExtractCase("\(dtype), every other element") { base, tuned, random in
                    base = plain(dtype, &random)
                    tuned = base
                    tuned.tuneAll(every: 2, &random)
                },
                ExtractCase("\(dtype), trained anew") { base, tuned, random in
                    base = plain(dtype, &random)
                    tuned = plain(dtype, &random)
                },
                ExtractCase("\(dtype), any bits") { base, tuned, random in
                    for name in base.names {
                        base[name] = .random(dtype, base[name]?.shape ?? [], &random)
                        tuned[name] = .random(dtype, base[name]?.shape ?? [], &random)
                    }
                    // Few changes among NaN, infinities and zeros of either sign.
                    tuned[up] = base[up]
                    tuned.tune(up, every: 60, &random)
                },
            ]
        } + [
            ExtractCase("nothing changed") { _, _, _ in },
            ExtractCase("NaN payloads, infinities and the sign of zero alone") { base, tuned, _ in
                let patterns: [UInt16] = [0x7F81, 0xFFC1, 0x7F80, 0xFF80, 0x0000, 0x8000, 0x0001, 0x8001]
                var bytes = base[up]?.bytes ?? []
                var other = bytes
                for place in 0..<bytes.count / 2 where place % 5 == 0 {
                    for (index, pattern) in [patterns[place % 8], patterns[(place / 5 + 3) % 8]].enumerated() {
                        let pair = [UInt8(truncatingIfNeeded: pattern), UInt8(pattern >> 8)]
                        if index == 0 { bytes.replaceSubrange(place * 2..<place * 2 + 2, with: pair) }
                        if index == 1 { other.replaceSubrange(place * 2..<place * 2 + 2, with: pair) }
                    }
                }
                base[up]?.bytes = bytes
                tuned[up]?.bytes = other
            },
            ExtractCase("every type, few changes and many") { base, tuned, random in
                for (number, dtype) in TinyModel.bits.keys.sorted().enumerated() {
                    for every in [2, 40] as [UInt64] {
                        let name = "t\(number).\(every)"
                        base[name] = .random(dtype, [16, 24], &random)
                        tuned[name] = base[name]
                        tuned.tune(name, every: every, &random)
                    }
                }
            },
            ExtractCase("a vocabulary with more rows") { base, tuned, random in
                tuned.tuneAll(every: 50, &random)
                for name in [embedding, head] {
                    tuned[name]?.shape = [101, 32]
                    tuned[name]?.bytes += random.bytes(5 * 32 * 2)
                }
            },
            ExtractCase("more rows and the others as they were, or new") { base, tuned, random in
                tuned[embedding]?.shape[0] += 3
                tuned[embedding]?.bytes += random.bytes(3 * 32 * 2)
                tuned[head] = .random("BF16", [99, 32], &random)
                tuned["model.layers.0.norm.weight"]?.shape = [33]
                tuned["model.layers.0.norm.weight"]?.bytes += [1, 2]
            },
            ExtractCase("fewer rows, another shape, another type") { base, tuned, random in
                tuned[embedding] = .weights("BF16", [90, 32], &random)
                tuned[up]?.shape = [32, 48]
                tuned["model.layers.0.mlp.up_proj.weight"] = .weights("F32", [48, 32], &random)
                tuned["model.layers.2.mlp.up_proj.weight"]?.dtype = "F16"
                tuned["model.layers.2.norm.weight"]?.shape = [1, 32]
            },
            ExtractCase("tensors added, removed and renamed") { base, tuned, random in
                tuned.add("score.weight", "F32", [2, 32], &random)
                tuned["model.layers.0.norm.weight"] = nil
                tuned["model.layers.9.mlp.up_proj.weight"] = tuned[up]
                tuned[up] = nil
            },
            ExtractCase("a tensor under two names, new or the base's") { base, tuned, random in
                tuned["a.copy"] = tuned[up]
                tuned["z.copy"] = tuned[up]
                tuned.tune(head, every: 3, &random)
                tuned["b.copy"] = tuned[head]
                tuned.add("new", "F16", [8, 8], &random)
                tuned["new.again"] = tuned["new"]
            },
            ExtractCase("two tied in the base and apart in the other") { base, tuned, random in
                base[head] = base[embedding]
                tuned[embedding] = base[embedding]
                tuned.tune(head, every: 9, &random)
            },
            ExtractCase("scalars, and tensors without elements") { base, tuned, random in
                for (name, shape) in [("scalar.same", []), ("scalar", []), ("empty", [0, 4]), ("one", [1])]
                    as [(String, [Int])]
                {
                    base[name] = .random("F32", shape, &random)
                    tuned[name] = base[name]
                }
                tuned["scalar"] = .random("F32", [], &random)
                tuned["one"] = .random("F32", [1], &random)
                base["empty.gone"] = .random("I64", [0], &random)
                tuned["empty.new"] = .random("I64", [3, 0, 2], &random)
                base["empty.filled"] = .random("BF16", [0, 4], &random)
                tuned["empty.filled"] = .random("BF16", [2, 4], &random)
                base["emptied"] = .random("BF16", [2, 4], &random)
                tuned["emptied"] = .random("BF16", [0, 4], &random)
            },
            ExtractCase("one file, then two") { _, tuned, random in
                tuned.tuneAll(every: 30, &random)
                tuned.shards = 2
            },
            ExtractCase("two files, then one, in another order") { base, tuned, random in
                base.shards = 2
                tuned.tuneAll(every: 30, &random)
                tuned.reverse()
            },
            ExtractCase("headers with metadata and padding") { base, tuned, random in
                base.metadata = ["format": "pt"]
                tuned.metadata = ["format": "pt", "made": "ü\u{202E} anew"]
                tuned.padding = 7
                tuned.tune(up, every: 30, &random)
            },
            ExtractCase("companions equal, changed, added, removed and empty") { base, tuned, _ in
                base.companions["generation_config.json"] = Array("{}".utf8)
                tuned.companions["tokenizer.json"] = Array("{\"version\": \"2.0\"}".utf8)
                tuned.companions["README.md"] = [UInt8](repeating: 0x61, count: 3_000_000)
                tuned.companions["empty.txt"] = []
                base.companions["was-full.txt"] = [1]
                tuned.companions["was-full.txt"] = []
                base.companions["was-empty.txt"] = []
                tuned.companions["was-empty.txt"] = [1]
                base.companions["both-empty.txt"] = []
                tuned.companions["both-empty.txt"] = []
            },
            ExtractCase("names that differ in their bytes alone") { base, tuned, random in
                for name in ["caf\u{E9}.weight", "cafe\u{301}.weight"] {
                    base.add(name, "BF16", [8, 8], &random)
                    tuned[name] = .weights("BF16", [8, 8], &random)
                }
                tuned.add("\u{212B}", "BF16", [4], &random)
                tuned.add("\u{C5}", "BF16", [4], &random)
            },
            ExtractCase("tensors around a window's border") { base, tuned, random in
                for (number, count) in [1 << 19, 1 << 19 + 1, 1 << 19 - 1, 1 << 20 + 3].enumerated() {
                    for every in [3, 90] as [UInt64] {
                        let name = "large.\(number).\(every)"
                        base.add(name, "BF16", [count], &random)
                        tuned[name] = base[name]
                        tuned.tune(name, every: every, &random)
                    }
                }
                // Nothing changes in the first window, and all in the second.
                base.add("late", "BF16", [1 << 20], &random)
                tuned["late"] = base["late"]
                for place in 1 << 20..<(1 << 20) + 900 { tuned["late"]?.bytes[place] ^= 1 }
                // Rows beyond the base's begin within a window.
                base.add("longer", "F32", [5, 1 << 17], &random)
                tuned["longer"] = base["longer"]
                tuned.tune("longer", every: 2, &random)
                tuned["longer"]?.shape[0] = 6
                tuned["longer"]?.bytes += random.bytes(1 << 19)
            },
        ]
}
