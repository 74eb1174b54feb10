import ArgumentParser
import DeltaAlgebra
import Diagnostics
import Packaging

/// How large factors of low rank may be, or how near they must come.
struct LowRankOptions: ParsableArguments {
    @Option(help: ArgumentHelp("This rank for every matrix, less where it has less.", valueName: "n"))
    var rank: Int?

    @Option(help: ArgumentHelp("Keep this share of each matrix's squared change, such as 0.95.", valueName: "share"))
    var energy: Double?

    @Option(help: ArgumentHelp("This relative error of each matrix at most.", valueName: "error"))
    var error: Double?

    @Option(help: ArgumentHelp("The best factors that take at most this, such as 20MB.", valueName: "size"))
    var budget: ByteSize?

    /// The one that was asked for; nil where none was.
    func goal() throws -> LowRankGoal? {
        var goals: [LowRankGoal] = []
        if let rank { goals.append(.rank(try checked(rank, "--rank", rank >= 1))) }
        if let energy { goals.append(.energy(try checked(energy, "--energy", energy > 0 && energy <= 1))) }
        if let error { goals.append(.error(try checked(error, "--error", error >= 0 && error < 1))) }
        if let budget { goals.append(.budget(budget.bytes)) }
        guard goals.count <= 1 else {
            throw Failure(.usage, "only one of --rank, --energy, --error and --budget can be met")
        }
        return goals.first
    }

    private func checked<Value>(_ value: Value, _ name: String, _ isGood: Bool) throws -> Value {
        guard isGood else { throw Failure(.usage, "\(name) is out of its range", actual: "\(value)") }
        return value
    }
}
