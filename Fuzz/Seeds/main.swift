import AdapterStore
import Adapters
import DeltaFormat
import Diagnostics
import Digests
import Files
import FuzzSupport
import Interchange
import JSON
import Parallelism
import Tensors

// Writes the inputs that fuzzing begins with, from Fixtures and from adapters made up here, to `seeds/<target>/` in the
// temporary folder. `Scripts/fuzz --reseed` runs it; libFuzzer's `main` calls the one function below.

private enum Seeds {
    static func write(_ bytes: [UInt8], _ target: String, _ name: String) {
        guard bytes.count <= 8192 else { return }
        let seeds = Paths.joined(ScratchFile.folder, "seeds")
        let file = ScratchFile(Paths.joined(Paths.joined("seeds", target), name))
        require(file.path.hasPrefix(seeds), "seeds lie together")
        file.replace(by: bytes)
    }

    static func content(_ path: String) -> [UInt8]? {
        accepted { () throws(Failure) in
            let file = try InputFile(path: path)
            return try file.read(at: 0, count: file.size)
        }
    }

    /// The container of an adapter, its index, and both as parts.
    static func write(_ adapter: Adapter, _ name: String, _ compression: Compression = .standard) {
        let path = Paths.joined(ScratchFile.folder, "seed.lock")
        let bytes = accepted { () throws(Failure) -> (index: [UInt8], data: [UInt8], all: [UInt8]) in
            let output = try OutputFile.create(at: path, replacing: true, durability: .none)
            let trailer = try ContainerWriter(compression: compression, lanes: Lanes(count: 1)).write(
                adapter, to: output)
            try output.commit()
            let file = try InputFile(path: path)
            return (
                try file.read(at: Int(trailer.indexOffset), count: Int(trailer.indexSize)),
                try file.read(at: Limits.headerSize, count: trailer.dataBytes), try file.read(at: 0, count: file.size)
            )
        }
        guard let bytes else { return }
        write(bytes.all, "open", name)
        write(bytes.index, "index", name)
        write(Parts(isAlignedToPages: false, index: bytes.index, data: bytes.data).bytes, "read-all", name)
    }

    static func folder(_ name: String) {
        let path = Paths.joined("Fixtures/peft", name)
        guard let config = content(Paths.joined(path, "adapter_config.json")) else { return }
        write(config, "json", name)
        guard let weights = content(Paths.joined(path, "adapter_model.safetensors")), weights.count > 8 else { return }
        let length = Int(weights[0]) | Int(weights[1]) << 8 | Int(weights[2]) << 16
        let text = Array(weights[8..<8 + length])
        let dataCount = weights.count - 8 - length
        write(
            (0..<4).map { UInt8(truncatingIfNeeded: dataCount >> (8 * $0)) } + weights[..<8] + text, "safetensors", name
        )
        let parts = FolderParts(config: config, text: text)
        write(parts.bytes, "config", name)
        if let folder = accepted({ () throws(Failure) in try parts.read() }) { write(folder.adapter, name) }
    }

    /// Small tokenizers of the other kinds: WordPiece, Unigram with a table, BPE over characters with bytes.
    static let tokenizers = [
        "pieces": """
        {"added_tokens":[{"id":3,"content":"<s>","special":true,"normalized":true,"lstrip":true}],"normalizer":{"type":\
        "Sequence","normalizers":[{"type":"BertNormalizer"},{"type":"NFKC"},{"type":"Strip","strip_left":true}]},\
        "pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"BertProcessing","sep":["b",1],"cls":["a",0]},\
        "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},"model":{"type":"WordPiece","unk_token":"a","vocab":{\
        "a":0,"##b":1,"th":2}}}
        """,
        "scores": """
        {"normalizer":{"type":"Sequence","normalizers":[{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAAB4AA=="},\
        {"type":"Replace","pattern":{"Regex":" {2,}"},"content":"-"},{"type":"Nmt"}]},"pre_tokenizer":{"type":"Sequence",\
        "pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","replacement":"\u{2581}","prepend_scheme":"first"}]},\
        "decoder":{"type":"Metaspace","replacement":"\u{2581}"},"model":{"type":"Unigram","unk_id":0,"byte_fallback":true,\
        "vocab":[["<unk>",0],["\u{2581}",-2],["ab",-3.5],["h",-1]]}}
        """,
        "characters": """
        {"added_tokens":[{"id":4,"content":"<s>","special":true,"single_word":true}],"normalizer":{"type":"Prepend",\
        "prepend":"\u{2581}"},"pre_tokenizer":{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious"},\
        "decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ",\
        "start":1,"stop":1}]},"model":{"type":"BPE","unk_token":"a","fuse_unk":true,"byte_fallback":true,"vocab":{"a":0,\
        "b":1,"ab":2,"<0x0A>":3},"merges":[["a","b"]]}}
        """,
    ]

    /// A tokenizer of a few tokens, split as GPT-2 does it, and lines of data.
    static func training() {
        let tokens = (UInt8(ascii: "a")...UInt8(ascii: "z")).map { "\"\(Character(UnicodeScalar($0)))\":\($0 - 97)" }
        let file =
            "{\"added_tokens\":[{\"id\":28,\"content\":\"<s>\",\"special\":true,\"lstrip\":false,\"rstrip\":false,"
            + "\"single_word\":false,\"normalized\":false}],\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"ByteLevel\","
            + "\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true},\"post_processor\":null,\"decoder\":"
            + "{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,\"vocab\":{"
            + tokens.joined(separator: ",") + ",\"th\":26,\"the\":27},\"merges\":[\"t h\",\"th e\"]}}"
        let text = Array("the <s>then".utf8)
        write([UInt8(text.count)] + text + Array(file.utf8), "tokenizer", "small")
        for family in ["pieces", "scores", "characters"] {
            let other = Array("Théᵉ <s>ab\u{1F469}\u{200D}\u{1F4BB}  c\r\n榫".utf8)
            write([UInt8(other.count)] + other + Array((tokenizers[family] ?? "").utf8), "tokenizer", family)
        }
        write(Array("{\"input_ids\":[1,2,3]}\n{\"input_ids\":[4,5],\"labels\":[-100,5]}\n{}\n".utf8), "lines", "small")
    }

    /// A tensor of every type: noise, a ramp that compresses, and one that is laid out on its own.
    static func types() {
        for dtype in DType.allCases {
            let list = ParameterValue.list([.bool(true), .null, .int(-7)])
            let map = ParameterValue.map([.init("b", .double(1.5)), .init("a", list)])
            var adapter = Adapter(method: "made-up", parameters: ["map": map])
            for (number, count) in [64, 1024, 5000 / dtype.bits * 8].enumerated() {
                var dice = Dice(UInt32(number))
                let bytes = (0..<count * dtype.bits / 8).map { UInt8(number == 0 ? dice.roll(256) : $0 >> 6 & 0xFF) }
                let tensor = demanded("sizes agree") { () throws(Failure) in
                    try TensorBuffer(dtype: dtype, shape: [count / 8, 8], bytes: bytes)
                }
                let key = EntryKey("layer.\(number)", Kind(rawValue: 9999))
                adapter.entries.append(AdapterEntry(key: key, tensors: [RoleTensor(.value, tensor)]))
            }
            adapter.metadata = ["licence": "none", "empty": ""]
            write(adapter, "type-\(dtype.name)", .max)
        }
    }
}

extension Seeds {
    /// Merges of every shape that a recipe can have.
    static func recipes() {
        let models = "models: [{model: a, parameters: {weight: 1, density: [0.2, 0.9]}}, {model: b@main+c}]\n"
        let texts = [
            "merge_method: ties\nbase_model: base\n" + models + "parameters: {normalize: yes}\ndtype: bfloat16\n",
            """
            merge_method: slerp
            base_model: a
            slices:
              - sources: [{model: a, layer_range: [0, 2]}, {model: b, layer_range: [2, 4]}]
            parameters:
              t: [{filter: mlp, value: [0, 1]}, {value: 0.5}]
            tokenizer_source: union
            """,
            """
            merge_method: linear
            models:
              - &one {model: {model: {path: a, revision: x}, lora: c}, parameters: {weight: 1}}
              - <<: *one
                model: b
            tokenizer:
              source: union
              pad_to_multiple_of: 8
              tokens:
                <s>: {source: {kind: model_token, model: a, token_id: 1}, force: true}
                ? x
                : {source: {kind: zero}}
            chat_template: |
              {% for m in messages %}{{ m }}{% endfor %}
            """,
        ]
        for (number, text) in texts.enumerated() { write(Array(text.utf8), "recipe", "recipe-\(number)") }
    }

    /// The templates that are built in and the small ones of every construct, each with a conversation.
    static func templates() {
        let folder = "Fixtures/chat-templates"
        let expected = content(Paths.joined(folder, "expected.json")) ?? []
        guard let goldens = accepted({ () throws(Failure) in try JSONValue.parse(expected) }) else { return }
        let conversations = (goldens["conversations"]?.array ?? []).map { JSONWriter.bytes(of: $0, .compact) }
        let texts = ["templates", "snippets"].flatMap { goldens[$0]?.array ?? [] }.compactMap { $0["source"]?.string }
        for (number, text) in texts.enumerated() where !conversations.isEmpty {
            let conversation = conversations[number % conversations.count]
            write(Array(text.utf8) + [0] + conversation, "templates", "template-\(number)")
        }
    }

    /// Tables with and without headers, and lines, of classes and numbers.
    static func labeled() {
        let texts = [
            "\u{0}sentence1,sentence2,label\r\n\"a \"\"b\"\"\",\"c\nd\",yes\r\ne,f,no\r\n",
            "\u{0}good,1\nbad,0\n\nhalf\n",
            "\u{1}sentence\tlabel\nan \"ending\tpositive\na\tnegative\n", "\u{1}one\t0.5\ntwo\t-1e3\n",
            "\u{2}{\"text\":\"a\",\"label\":true}\n{\"input_ids\":[1,2],\"label\":0}\n{\"premise\":\"a\",\"hypothesis\":\"b\",\"score\":1.5}\n",
        ]
        for (number, text) in texts.enumerated() { write(Array(text.utf8), "labeled", "labeled-\(number)") }
    }

    /// Batches of every kind of prompt.
    static func prompts() {
        let texts = [
            "\u{0}{\"prompt\":\"Once\",\"id\":7,\"adapter\":\"a\",\"max_tokens\":3,\"temperature\":0.5,\"seed\":1,\"stop\":\".\"}\n",
            "\u{3}{\"prompt\":\"Why?\",\"system\":\"Say no.\"}\n\n{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[]}\n",
            "\u{1}{\"input_ids\":[1,2],\"adapter\":[\"a\",\"b\"],\"stop\":[\"x\",\"yz\"]}\n{\"prompt\":\"a\",\"adapter\":null}\n",
        ]
        for (number, text) in texts.enumerated() { write(Array(text.utf8), "prompts", "prompts-\(number)") }
    }

    /// A tar of two files, and the documents of a layout of one object.
    static func layouts() {
        let path = Paths.joined(ScratchFile.folder, "seed.tar")
        let tar = accepted { () throws(Failure) -> [UInt8] in
            let output = try OutputFile.create(at: path, replacing: true, durability: .none)
            let writer = TarWriter(output)
            let object: [UInt8] = [0x7B, 0x7D]
            for name in ["index.json", "oci-layout"] {
                try writer.add(name, size: 2) { file throws(Failure) in try unsafe file.write(object.span.bytes) }
            }
            try writer.end()
            try output.commit()
            let file = try InputFile(path: path)
            return try file.read(at: 0, count: file.size)
        }
        if let tar { write([0] + tar, "layout", "tar") }
        let (oci, own) = ("application/vnd.oci.image.", "application/vnd.tenon.delta.")
        let config = #"{"inputBytes":1,"metadata":{"a":"b"},"origin":"tenon","version":1}"#
        let manifest =
            #"{"schemaVersion":2,"mediaType":"\#(oci)manifest.v1+json","artifactType":"\#(own)v1","config":{"mediaType":"#
            + #""\#(own)config.v1+json","digest":"@0"},"layers":[{"mediaType":"\#(own)container.v1","digest":"@0"}]}"#
        let index =
            #"{"schemaVersion":2,"manifests":[{"mediaType":"\#(oci)manifest.v1+json","digest":"@1","annotations":"#
            + #"{"org.opencontainers.image.ref.name":"a:v1"}}]}"#
        write(Array("\u{1}\(config)\u{0}\(manifest)\u{0}\(index)".utf8), "layout", "documents")
    }

    /// Skewed noise, which an entropy code alone makes smaller, and behind it other such.
    static func segments() {
        var dice = Dice(1)
        let bytes = (0..<6000).map { UInt8($0 < 3000 ? dice.roll(16) & dice.roll(16) : 200 + dice.roll(6)) }
        let adapter = Adapter(
            method: "delta",
            entries: [AdapterEntry(key: EntryKey("w", .exact), tensors: [RoleTensor(.value, TensorBuffer(bytes))])])
        write(adapter, "segments", .max)
    }
}

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    Seeds.types()
    Seeds.segments()
    Seeds.training()
    Seeds.recipes()
    Seeds.layouts()
    Seeds.templates()
    Seeds.labeled()
    Seeds.prompts()
    for entry in (try? Folder.entries(of: "Fixtures/peft")) ?? [] { Seeds.folder(entry.name) }
    for entry in (try? Folder.entries(of: "Fixtures/pickle")) ?? [] where entry.name.hasSuffix(".bin") {
        guard let bytes = Seeds.content(Paths.joined("Fixtures/pickle", entry.name)) else { continue }
        Seeds.write([0] + bytes, "pickle", entry.name)
        // The program stands first in the archive, up to its last opcode and the next entry's mark.
        guard let start = bytes.firstIndex(of: 0x80) else { continue }
        let mark: [UInt8] = [0x50, 0x4B]
        let end = (start..<bytes.count - 1).first { Array(bytes[$0..<$0 + 2]) == mark } ?? bytes.count
        Seeds.write([1] + bytes[start..<end], "pickle", entry.name + ".program")
    }
    return 0
}
