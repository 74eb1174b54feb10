import ArgumentParser
import Diagnostics
import Packaging
import Parallelism

/// What every verb takes.
struct SharedOptions: ParsableArguments {
    @Flag(help: "Print one JSON document on stdout, success or error.")
    var json = false

    @Flag(help: "No progress and no warnings.")
    var quiet = false

    @Flag(help: "Timings of each stage on stderr.")
    var verbose = false

    @Option(help: ArgumentHelp("How many threads to use (default: all cores).", valueName: "n"))
    var threads: Int?

    @Option(
        name: .customLong("memory"),
        help: ArgumentHelp("How much memory to hold at most, such as 512M or 2GiB (default: 1GiB).", valueName: "size"))
    var memoryLimit: ByteSize?

    var console: Console { Console(json: json, quiet: quiet) }

    var memory: ByteSize { memoryLimit ?? ByteSize(MemoryBudget.standard.bytes) }

    /// As many lanes as were asked for and as the memory allows, at some 16 MiB each.
    var lanes: Lanes {
        let budget = MemoryBudget(bytes: memory.bytes)
        return Lanes(count: budget.lanes(wanted: threads ?? Lanes.available, perLane: 16 << 20))
    }

    func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads must be at least 1.") }
        // What one lane, the tables of a large index and the process itself take.
        if memory.bytes < 32 << 20 { throw ValidationError("--memory must be at least 32M.") }
    }
}

/// Where a result goes.
struct OutputOptions: ParsableArguments {
    @Option(name: [.short, .long], help: ArgumentHelp("Where to write.", valueName: "path"))
    var output: String

    @Flag(help: "Replace an output that is there already.")
    var force = false

    @Flag(help: "Print what would be written, and write nothing.")
    var dryRun = false
}

extension ByteSize: ExpressibleByArgument {
    /// As the parser asks for it.
    public init?(argument: String) { self.init(argument) }
}
