import Architectures
import ArgumentParser
import Checkpoints
import Diagnostics
import Files
import Generation
import JSON
import Kernels
import Packaging
import Training

struct Generate: ParsableCommand, Exemplified {
    static let example =
        #"tenon generate --base my-model --adapter my-adapter.tenon --prompt "Once upon a time" --max-tokens 32"#

    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Go on with a text, by a base and adapters.",
        discussion: """
            Prints what the model makes of a prompt, as it comes. Where the base has a chat template the prompt is a turn of a \
            user, unless --raw says that it is text to go on with. Several adapters work together, each times its weight. \
            --batch reads prompts as lines of JSON, each with options and adapters of its own where it has them, and \
            generates them together: the same comes of each as alone.
            """)

    @Option(help: ArgumentHelp("The base: a model's folder.", valueName: "model"))
    var base: String

    @Option(
        help: ArgumentHelp(
            "An adapter to use: a container, or a PEFT folder; may be given more than once.",
            valueName: "[name=]x.tenon[@weight]"))
    var adapter: [AdapterChoice] = []

    @Option(help: ArgumentHelp("What to go on from; - reads it from stdin.", valueName: "text"))
    var prompt: String?

    @Option(help: ArgumentHelp("Prompts in JSONL; - reads them from stdin.", valueName: "file"))
    var batch: String?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Where to write what comes of a batch (default: stdout).", valueName: "path"))
    var output: String?

    @Flag(help: "Replace an output that is there already.")
    var force = false

    @OptionGroup var generation: GenerationFlags

    @Option(help: ArgumentHelp("What the system says before a turn of a user.", valueName: "text"))
    var system: String?

    @Flag(help: "The prompt is a turn of a user, and there must be a chat template.")
    var chat = false

    @Flag(help: "The prompt is text as it is.")
    var raw = false

    @Option(
        help: ArgumentHelp(
            "How conversations are written: chatml, llama2, llama3, mistral, alpaca, or a file in Jinja (default: as the "
                + "adapter learned, or else as the base has it).",
            valueName: "template"))
    var chatTemplate: String?

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if (prompt == nil) == (batch == nil) {
            throw ValidationError("Either --prompt or --batch says what to go on from.")
        }
        if chat && raw { throw ValidationError("--chat and --raw exclude each other.") }
        if raw && (system != nil || chatTemplate != nil) {
            throw ValidationError("--raw takes the prompt as it is, without --system and --chat-template.")
        }
        if batch == nil && (output != nil || force) { throw ValidationError("--output and --force are for --batch.") }
        if batch != nil && shared.json && output == nil {
            throw ValidationError("With --json, --batch needs --output: stdout has one document then.")
        }
        let draws = (generation.temperature ?? 0) > 0 || batch != nil
        if !draws && (generation.topK != nil || generation.topP != nil) {
            throw ValidationError("--top-k and --top-p need a --temperature above 0.")
        }
    }

    func run() throws {
        if let output, let batch {
            try Outputs.checkApart(output, from: [batch, base] + adapter.map { try $0.path })
        }
        let checkpoint = try Checkpoint(path: base)
        for finding in checkpoint.findings { shared.console.warn(finding) }
        let engine = Engine<Float>(shared.lanes)
        let networks = try AdaptedNetworks(checkpoint, engine)
        let adapters = try AdapterChoice.open(adapter, on: checkpoint, shared: shared)
        let format = try PromptFormat(checkpoint, networks.architecture, form: try form(adapters))
        let ends = try TextEnd.ids(of: checkpoint, format.tokenizer)
        let generation = BatchGeneration(
            networks, adapters, format.tokenizer, ends: ends, cacheBytes: shared.memory.bytes / 2)
        let limit = networks.architecture.maximumLength
        if let batch {
            try GenerationBatch(path: batch, output: output, replaces: force, shared: shared)
                .run(try items(batch, format, generation, limit), generation, engine)
            return
        }
        let prompt = try prompt(format, limit)
        let item = BatchGeneration.Item(self.generation.request(prompt), adapters: Array(adapters.indices))
        try GenerationReporter(shared).run(item, generation, engine)
    }

    /// As the flags say, or as all adapters were trained.
    private func form(_ adapters: [AdapterInUse]) throws(Failure) -> DataForm {
        if chatTemplate != nil { return try DataForm(masksPrompt: false, templateAt: chatTemplate) }
        let learned = Set(adapters.map { (try? TrainingRecord(of: $0.adapter))?.form.chatTemplate })
        return DataForm(chatTemplate: learned.count == 1 ? learned.first ?? nil : nil)
    }

    // MARK: Prompts

    private func isChat(_ format: PromptFormat) -> Bool { !raw && (chat || system != nil || format.hasTemplate) }

    /// The ids of the one prompt. What is wrong with it is a mistake in the options.
    private func prompt(_ format: PromptFormat, _ limit: Int) throws(Failure) -> [Int32] {
        let text = try prompt == "-" ? textOfInput() : prompt ?? ""
        do throws(Failure) {
            let ids = try format.ids(of: isChat(format) ? .question(text, system: system) : .text(text))
            try check(ids, limit)
            return ids
        } catch {
            guard error.code == .badDataLine else { throw error }
            var failure = error
            failure.code = .usage
            throw failure
        }
    }

    /// Without the last line end, which is the shell's.
    private func textOfInput() throws(Failure) -> String {
        let file = try InputFile.opened("-")
        guard file.size <= 16 << 20 else {
            throw Failure(.tooLarge, "the prompt is too long", path: "standard input", expected: "at most 16 MiB")
        }
        guard let text = String(validating: try file.read(at: 0, count: file.size), as: UTF8.self) else {
            throw Failure(.usage, "the prompt is no UTF-8", path: "standard input")
        }
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    private func check(_ ids: [Int32], _ limit: Int) throws(Failure) {
        guard ids.count <= limit else {
            throw Failure(
                .badDataLine, "the prompt is longer than the model allows", expected: "at most \(limit) tokens",
                actual: "\(ids.count)")
        }
    }

    /// What the lines of a batch ask for.
    private func items(
        _ path: String, _ format: PromptFormat, _ generation: BatchGeneration, _ limit: Int
    ) throws(Failure) -> [GenerationBatch.Item] {
        let lines = try PromptLines.read(path, isChat: isChat(format), system: system)
        var items: [GenerationBatch.Item] = []
        for line in lines {
            try Cancellation.check()
            do throws(Failure) {
                let ids = try format.ids(of: line.prompt)
                try check(ids, limit)
                let request = self.generation.request(ids, line)
                if format.tokenizer == nil && !request.stops.isEmpty {
                    throw Failure(.badDataLine, "there is no tokenizer that could tell a text to stop at")
                }
                let places = try generation.places(of: line.adapters)
                items.append((line.id, BatchGeneration.Item(request, adapters: places)))
            } catch {
                throw error.inLine(line.number, of: path)
            }
        }
        return items
    }
}
