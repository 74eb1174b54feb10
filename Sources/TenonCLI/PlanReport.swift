import Adapters
import Architectures
import Diagnostics
import JSON
import Packaging
import Tensors

/// What `plan` prints.
struct PlanReport {
    private let architecture: Architecture
    private let setup: TrainingSetup
    private let console: Console

    /// A line of the table of methods.
    enum Row {
        case plan(TuningPlan)
        /// A method that the model has no place for, or that wants a config.
        case impossible(PlannedMethod, Failure)

        var plan: TuningPlan? { if case .plan(let plan) = self { plan } else { nil } }
    }

    init(_ architecture: Architecture, _ setup: TrainingSetup, _ console: Console) {
        self.architecture = architecture
        self.setup = setup
        self.console = console
    }

    // MARK: One method

    func tell(_ plan: TuningPlan, explains: Bool) throws(Failure) {
        let formulas = explains ? try plan.formulas(of: architecture) : []
        if console.isJSON {
            var document = try architecture.document(baseBytes: plan.baseBytes, setup)
            for member in try plan.document().members { document[member.key] = member.value }
            if explains { document["formulas"] = .array(formulas.map(\.document)) }
            return console.result(.object(document))
        }
        row("model", model(plan.baseBytes))
        row("method", plan.method.name + targets(of: plan))
        row("trained", "\(plan.trainableParameters.grouped) parameters, \(share(plan.trainableShare)) of all")
        row("adapter", size(plan.adapterBytes) + " as \(setup.dtype.name)")
        row("training", try size(plan.memory.total.value()))
        for part in plan.memory.parts { row("  " + part.name, try size(part.formula.value())) }
        row("\(plan.tasks) tasks", "as copies " + size(plan.fullCopiesBytes))
        row("", (plan.method.isWholeModel ? "as tuned " : "as base and adapters ") + size(plan.adaptersBytes))
        row("", "saved \(plan.savedShare.percent)")
        for of in ["base", "trained", "fixed", "bytes"] {
            let own = formulas.filter { $0.of == of }
            if own.isEmpty { continue }
            console.result("\n" + of)
            for formula in own {
                console.result(
                    ("  \(formula.name): \(formula.formula.symbols) = \(formula.formula.numbers(\.grouped))"
                        + " = \(formula.value.grouped)").escapedForTerminal)
            }
            console.result("  sum: \(own.reduce(0) { $0 + $1.value }.grouped)")
        }
    }

    private func targets(of plan: TuningPlan) -> String {
        let names = plan.size.added.map(\.name)
        return names.isEmpty ? "" : ": " + names.joined(separator: ", ")
    }

    // MARK: All methods

    func tell(_ rows: [Row], tasks: Int) throws(Failure) {
        let base = rows.lazy.compactMap(\.plan?.baseBytes).first ?? 0
        if console.isJSON {
            var document = try architecture.document(baseBytes: base, setup)
            var list: [JSONValue] = []
            for row in rows { list.append(try self.document(row)) }
            document["methods"] = .array(list)
            return console.result(.object(document))
        }
        row("model", model(base))
        console.result(
            line("method", ["trained", "share", "adapter", "training", "\(tasks) tasks"], note: ""))
        for row in rows {
            switch row {
            case .plan(let plan):
                let cells = [
                    plan.trainableParameters.grouped, share(plan.trainableShare), ByteSize.text(plan.adapterBytes),
                    ByteSize.text(try plan.memory.total.value()), ByteSize.text(plan.adaptersBytes),
                ]
                console.result(line(plan.method.word, cells, note: ""))
            case .impossible(let method, let failure):
                console.result(line(method.word, ["-"], note: failure.what).escapedForTerminal)
            }
        }
    }

    private func document(_ row: Row) throws(Failure) -> JSONValue {
        switch row {
        case .plan(let plan): .object(try plan.document())
        case .impossible(let method, let failure):
            ["method": .string(method.word), "reason": .string(failure.description)]
        }
    }

    private func line(_ first: String, _ cells: [String], note: String) -> String {
        let widths = [16, 10, 10, 10, 10]
        var line = first.padded(to: 24)
        for (cell, width) in zip(cells, widths) {
            line += String(repeating: " ", count: max(1, width - cell.count)) + cell
        }
        return note.isEmpty ? line : line + "  " + note
    }

    // MARK: Words

    private func row(_ name: String, _ value: String) {
        console.result((name.isEmpty ? "" : name + ":").padded(to: 16) + value.escapedForTerminal)
    }

    private func model(_ bytes: Int) -> String {
        let count = (try? architecture.parameterCount()) ?? 0
        return "\(architecture.modelType), \(count.grouped) parameters, \(size(bytes)) as \(setup.dtype.name)"
    }

    private func size(_ bytes: Int) -> String {
        bytes < 1000 ? ByteSize.text(bytes) : "\(ByteSize.text(bytes)) (\(bytes.grouped) bytes)"
    }

    /// As PEFT prints it: four decimals.
    private func share(_ share: Double) -> String { (100 * share).text(decimals: 4) + " %" }
}
