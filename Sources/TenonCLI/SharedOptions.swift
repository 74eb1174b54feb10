import ArgumentParser
import Diagnostics
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

    @Option(help: ArgumentHelp("How much memory to hold at most.", valueName: "size"))
    var memory = ByteSize(MemoryBudget.standard.bytes)

    var console: Console { Console(json: json, quiet: quiet) }

    /// As many lanes as were asked for and as the memory allows, at some 16 MiB each.
    var lanes: Lanes {
        let budget = MemoryBudget(bytes: memory.bytes)
        return Lanes(count: budget.lanes(wanted: threads ?? Lanes.available, perLane: 16 << 20))
    }

    func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads must be at least 1.") }
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

/// A size as people write it: 512M, 20MB, 1GiB. M and MiB are 2^20; MB is 10^6.
struct ByteSize: ExpressibleByArgument, CustomStringConvertible {
    let bytes: Int

    init(_ bytes: Int) {
        self.bytes = bytes
    }

    init?(argument: String) {
        let digits = argument.prefix { $0.isNumber || $0 == "." }
        let unit = argument.dropFirst(digits.count).uppercased()
        guard let number = Double(digits), number > 0, let factor = Self.factor(of: unit) else { return nil }
        guard number * factor < 0x1p62 else { return nil }
        bytes = Int(number * factor)
    }

    private static func factor(of unit: String) -> Double? {
        if unit.isEmpty || unit == "B" { return 1 }
        guard let letter = unit.first, let power = "KMGT".firstIndex(of: letter) else { return nil }
        let exponent = Double("KMGT".distance(from: "KMGT".startIndex, to: power) + 1)
        var base = 1.0
        switch unit.dropFirst() {
        case "", "IB": for _ in 0..<Int(exponent) { base *= 1024 }
        case "B": for _ in 0..<Int(exponent) { base *= 1000 }
        default: return nil
        }
        return base
    }

    var description: String { Self.text(bytes) }

    /// A size for people, in powers of ten: "1.07 GB".
    static func text(_ bytes: Int) -> String {
        if bytes < 1000 { return "\(bytes) B" }
        var value = Double(bytes)
        var unit = 0
        while value >= 999.5 && unit < 4 {
            value /= 1000
            unit += 1
        }
        return value.text(decimals: value < 10 ? 2 : value < 100 ? 1 : 0) + " " + ["B", "kB", "MB", "GB", "TB"][unit]
    }
}

extension Double {
    /// Rounded to so many decimals, always with them.
    func text(decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (self * scale).rounded()
        guard scaled.magnitude < 0x1p53 else { return "\(self)" }
        let digits = String(Int(scaled.magnitude))
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = scaled < 0 ? "-" : ""
        if decimals == 0 { return sign + padded }
        return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    /// A share as a percentage: "34.1 %".
    var percent: String { (self * 100).text(decimals: 1) + " %" }
}
