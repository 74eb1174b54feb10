import Adapters
import ArgumentParser
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import Files
import JSON
import Packaging
import Quantization
import Tensors

extension Compression: ExpressibleByArgument {}

struct Pack: ParsableCommand, Exemplified {
    static let example = "tenon pack my-adapter -o my-adapter.tenon"

    enum Precision: String, ExpressibleByArgument, CaseIterable {
        case keep, bf16, f16
    }

    enum Quantize: String, ExpressibleByArgument, CaseIterable {
        case none, int8, nf4
    }

    static let configuration = CommandConfiguration(
        commandName: "pack", abstract: "Turn an adapter into a container.",
        discussion: """
            Reads what Hugging Face PEFT saves. Packing is lossless unless --dtype or --quantize is given, and then the \
            error of every tensor is measured and printed. Several adapters, or a quoted pattern, go into a folder.
            """)

    @Argument(help: ArgumentHelp("Adapter folders, or a quoted pattern such as 'adapters/*'.", valueName: "src"))
    var sources: [String]

    @OptionGroup var output: OutputOptions

    @Option(
        help: ArgumentHelp(
            "Bind the adapter to its base: a model's folder, or one safetensors file.", valueName: "model")
    )
    var base: String?

    @Option(help: ArgumentHelp("How much time to spend on size: fast, default or max.", valueName: "effort"))
    var compression = Compression.standard

    @Option(help: ArgumentHelp("Narrow fp32 factors: keep, bf16 or f16 (lossy).", valueName: "dtype"))
    var dtype = Precision.keep

    @Option(help: ArgumentHelp("Quantize factors: none, int8 or nf4 (lossy).", valueName: "scheme"))
    var quantize = Quantize.none

    @OptionGroup var shared: SharedOptions

    func run() throws {
        var console = shared.console
        console.resultsToStandardError = output.output == "-"
        let bar = ProgressBar("packing", isQuiet: shared.quiet)
        defer { bar?.end() }
        var job = PackingJob(
            compression: compression, lossy: LossyConversion(dtype: dtype.dtype, quantization: quantize.scheme),
            lanes: shared.lanes, replaces: output.force, isDryRun: output.dryRun, progress: bar?.progress)
        if let base {
            let checkpoint = try Checkpoint(path: base)
            for finding in checkpoint.findings { console.warn(finding) }
            let binder = BaseBinder(checkpoint, lanes: shared.lanes, cache: .standard())
            job.bind = { (adapter, path) throws(Failure) in try binder.bind(&adapter, path: path) }
        }
        let clock = ContinuousClock()
        let start = clock.now
        let reports = try job.run(sources: sources, output: output.output) { finding in
            bar?.erase()
            console.warn(finding)
        }
        bar?.end()
        let seconds = (clock.now - start) / .seconds(1)
        if shared.json {
            console.result(PackReport.document(of: reports, seconds: seconds))
        } else {
            for report in reports { print(report, console) }
        }
        if shared.verbose { for report in reports { console.tell(report.times) } }
    }

    private func print(_ report: PackReport, _ console: Console) {
        for loss in report.losses {
            console.result(
                "\(loss.tensor): relative error \(loss.relative.scientific), largest \(loss.largest.scientific)"
                    .escapedForTerminal)
        }
        let verb = output.dryRun ? "would write" : "wrote"
        console.result(
            ("\(verb) \(report.output): \(report.method), \(report.tensorCount) tensors, \(ByteSize.text(report.logicalBytes))"
                + " -> \(ByteSize.text(report.storedBytes)) (saved \(report.savedShare.percent))").escapedForTerminal)
        console.result("content \(report.contentDigest)")
        if let base = report.base { console.result("bound to the base \(base.root)") }
        if output.dryRun {
            console.result("\(report.storedBytes) bytes, with at most \(ByteSize.text(report.memoryBytes)) of memory")
        }
    }
}

extension Pack.Precision {
    var dtype: DType? {
        switch self {
        case .keep: nil
        case .bf16: .bf16
        case .f16: .f16
        }
    }
}

extension Pack.Quantize {
    var scheme: QuantizationScheme? {
        switch self {
        case .none: nil
        case .int8: .int8
        case .nf4: .nf4Double
        }
    }
}

extension Double {
    /// Three significant digits: "1.23e-03".
    var scientific: String {
        guard isFinite, self != 0 else { return "\(self)" }
        var exponent = 0
        var mantissa = magnitude
        while mantissa >= 9.995 {
            mantissa /= 10
            exponent += 1
        }
        while mantissa < 0.9995 {
            mantissa *= 10
            exponent -= 1
        }
        let digits = String(exponent.magnitude)
        let padded = digits.count < 2 ? "0" + digits : digits
        return (self < 0 ? "-" : "") + mantissa.text(decimals: 2) + "e" + (exponent < 0 ? "-" : "+") + padded
    }
}
