import AdapterStore
import ArgumentParser
import Diagnostics
import Documents
import Files
import Packaging
import Reports

struct Report: ParsableCommand, Exemplified {
    static let example = "tenon report my-adapter.tenon"

    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Say what containers, adapters and models take, what that saves, and what to mend.",
        discussion: """
            Looks through files and folders for containers, PEFT folders and whole models, and through a store. Every figure is computed from \
            the bytes at hand; savings are given by their causes, which sum to the byte. What is not understood is listed.

            With --baseline and --max-growth the exit status is 1 where what is stored grew more than that. What cannot be \
            read is reported, with a warning; exit status 65 only where nothing else is there.
            """)

    @Argument(help: ArgumentHelp("Files and folders (default: the store).", valueName: "path"))
    var paths: [String] = []

    @Option(help: ArgumentHelp("A store to report on (default: $TENON_STORE, else the user's own).", valueName: "dir"))
    var store: String?

    @Option(
        help: ArgumentHelp(
            "A model that adapters go onto which do not say how large theirs is; may be given again.",
            valueName: "model"))
    var base: [String] = []

    @Option(help: ArgumentHelp("US dollars for a GB (10^9 bytes) and a month.", valueName: "x"))
    var price = 0.023

    @Option(help: ArgumentHelp("What --json printed earlier, to say what came since.", valueName: "file"))
    var baseline: String?

    @Option(help: ArgumentHelp("Exit 1 where more came since the baseline, such as 5%.", valueName: "share"))
    var maxGrowth: String?

    @Flag(help: "Read no numbers and pack nothing in memory: faster, and finds less to mend.")
    var headersOnly = false

    @Flag(help: "List everything, not only the largest.")
    var all = false

    @Option(help: ArgumentHelp("Also write it for the summary of a CI job.", valueName: "file"))
    var markdown: String?

    @Option(help: ArgumentHelp("Also write a page to look at.", valueName: "file"))
    var html: String?

    @Flag(help: "Replace a page or a summary that is there already.")
    var force = false

    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if StoragePrice(perGB: price) == nil { throw ValidationError("--price must be a number from 0 on.") }
        if maxGrowth != nil, baseline == nil { throw ValidationError("--max-growth needs a --baseline.") }
        if let maxGrowth, BaselineComparison.share(maxGrowth) == nil {
            throw ValidationError("--max-growth must be a share such as 5%.")
        }
    }

    func run() throws {
        let outputs = [markdown, html].compactMap(\.self)
        for (flag, output) in [("--markdown", markdown), ("--html", html)] where output?.isEmpty == true {
            throw Failure(.usage, "\(flag) needs the path of a file", actual: "nothing")
        }
        for output in outputs {
            try Outputs.checkApart(output, from: paths + base + (baseline.map { [$0] } ?? []))
            try Outputs.checkFree(output, replaces: force)
        }
        var times = StageTimes()
        let earlier = try baseline.map { path throws(Failure) in try Baseline(path: path) }
        let bases = try base.map { path throws(Failure) in try KnownBase(path: path) }
        var finder = HoldingFinder()
        for path in paths { try finder.look(at: path) }
        if paths.isEmpty || store != nil {
            for holding in try AdapterStore(asked: store).holdings() { try finder.take(holding) }
        }
        times.end("find")
        let report = try read(finder, bases)
        times.end("read")
        let comparison = earlier.map {
            BaselineComparison(report, to: $0, mostGrowth: maxGrowth.flatMap(BaselineComparison.share))
        }
        guard let price = StoragePrice(perGB: price) else { throw Failure(.usage, "the price is no number") }
        if let markdown {
            try write(ReportMarkdown(report, price: price, comparison: comparison).text, to: markdown)
        }
        if let html { try write(ReportPage(report, price: price, comparison: comparison).page.html, to: html) }
        if !outputs.isEmpty { times.end("write") }
        if report.total.count == 0, let first = report.broken.first {
            warn(of: report.broken.dropFirst())
            throw first.failure.at(path: first.path)
        }
        tell(report, price, comparison)
        if shared.verbose { shared.console.tell(times) }
        if let failure = comparison?.failure {
            shared.console.report(failure, asDocument: false)
            throw ExitCode(ExitStatus.no.rawValue)
        }
    }

    private func read(_ finder: HoldingFinder, _ bases: [KnownBase]) throws -> StorageReport {
        let bar = ProgressBar("reading", isQuiet: shared.quiet)
        defer { bar?.end() }
        bar?.progress.expect(finder.holdings.count)
        return try ReportBuilder(lanes: shared.lanes, bases: bases, readsValues: !headersOnly).report(
            on: finder.holdings, broken: finder.broken, others: finder.others
        ) { _ in bar?.progress.note(1) }
    }

    private func warn(of broken: some Sequence<HoldingFinder.Broken>) {
        for one in broken {
            shared.console.warn(
                Finding(
                    one.failure.code.word, "could not be read: \(one.failure)",
                    object: one.failure.path == nil ? one.path : nil))
        }
    }

    private func tell(_ report: StorageReport, _ price: StoragePrice, _ comparison: BaselineComparison?) {
        warn(of: report.broken)
        if report.total.count == 0 {
            shared.console.warn(Finding("nothing-found", "there is no container, adapter or model in what was named"))
        }
        if shared.json {
            shared.console.result(report.document(price: price, comparison: comparison))
            return
        }
        let columns = Syscalls.environment("COLUMNS").flatMap { Int($0) }
        let isTerminal = Syscalls.isTerminal(1)
        let text = ReportText(
            report, price: price, comparison: comparison, width: columns ?? Syscalls.terminalWidth(1) ?? 80,
            usesColor: isTerminal && Syscalls.environment("NO_COLOR").map(\.isEmpty) ?? true, listsAll: all)
        for line in text.lines { shared.console.result(line) }
    }

    private func write(_ text: String, to path: String) throws {
        let file = try OutputFile.create(at: path, replacing: force)
        let bytes = Array(text.utf8)
        try unsafe file.write(bytes.span.bytes)
        try file.commit()
    }
}

extension AdapterStore {
    /// Its objects, each once with all of its names; what has none goes by its digest.
    fileprivate func holdings() throws(Failure) -> [Holding] {
        try inventory().map { entry in
            let names = entry.names.map(\.description)
            return Holding(
                form: .container, path: entry.path, names: names.isEmpty ? [entry.object.shortDigest] : names,
                added: entry.object.added, inputBytes: entry.object.inputBytes, origin: entry.object.origin,
                store: path, isNamed: !names.isEmpty)
        }
    }
}
