import DeltaAlgebra
import Diagnostics
import Documents
import JSON
import Packaging

/// A report of what differs, as it is printed.
struct DiffComparison {
    let report: DiffReport
    let paths: [String]
    let base: String?
    /// The relative change up to which both count as the same, if one was given.
    let maxChange: Double?

    /// How many tensors are listed unless all are asked for.
    static let usualCount = 20

    /// Whether both are the same, or near enough.
    var isGood: Bool { maxChange.map { report.isWithin($0) } ?? report.isEqual }

    // MARK: For scripts

    var document: JSONValue {
        [
            "equal": .bool(report.isEqual), "compared": .string(report.subject.rawValue),
            "within": maxChange.map { .bool(report.isWithin($0)) } ?? nil, "reason": reason.map { .string($0) } ?? nil,
            "relativeChange": report.hasFigures ? JSONValue(report.total.relativeChange) : nil,
            "cosine": report.total.cosine.map { JSONValue($0) } ?? nil,
            "norms": .array([report.total.baseNorm, report.total.otherNorm].map { JSONValue($0) }),
            "parameters": .array(report.parameters.map { .string($0) }),
            "tensors": .array(report.worstFirst.map(\.document)),
        ]
    }

    // MARK: For people

    func lines(all: Bool, hasTable: Bool) -> [String] {
        if report.isEqual {
            let count = report.tensors.count
            return ["the same: \(count) \(count == 1 ? "tensor" : "tensors")"]
                + (all && hasTable ? table(report.tensors) : [])
        }
        let total = report.total
        var lines = [
            report.hasFigures
                ? "\(changeWord) \(total.relativeChange.figure), cosine \(total.cosine?.cosineText ?? "-"), "
                    + "norms \(total.baseNorm.figure) and \(total.otherNorm.figure)"
                : "no numbers that both have",
            counts,
        ]
        lines += sides.map(\.escapedForTerminal)
        if !report.parameters.isEmpty {
            lines.append("config differs in \(report.parameters.joined(separator: ", "))".escapedForTerminal)
        }
        if let reason { lines.append("not within --max-change: \(reason)".escapedForTerminal) }
        guard hasTable else { return lines }
        let listed = report.worstFirst.filter { all || $0.status != .equal }
        let shown = all ? listed : Array(listed.prefix(Self.usualCount))
        lines += table(shown)
        if shown.count < listed.count {
            lines.append("and \(listed.count - shown.count) more: --all lists them")
        }
        return lines
    }

    private var changeWord: String {
        report.subject == .changes ? "relative error of the change" : "relative change"
    }

    private var counts: String {
        var counts: [TensorDiff.Status: Int] = [:]
        for tensor in report.tensors { counts[tensor.status, default: 0] += 1 }
        return [.equal, .changed, .dtype, .reshaped, .added, .removed].compactMap { status in
            counts[status].map { "\($0) \(Self.word(status))" }
        }.joined(separator: ", ")
    }

    /// Who has what the other lacks.
    private var sides: [String] {
        let noun = report.subject == .adapters ? "module" : "tensor"
        return [(TensorDiff.Status.removed, base ?? paths[0]), (.added, paths[1])].compactMap { status, path in
            let count = report.tensors.count { $0.status == status }
            return count == 0 ? nil : "\(status.rawValue): \(count) \(count == 1 ? noun : noun + "s") only in \(path)"
        }
    }

    /// Why it is not within what was allowed; nil where it is, or nothing was.
    private var reason: String? {
        guard let maxChange, let excess = report.excess(over: maxChange) else { return nil }
        switch excess {
        case .relativeChange(let change): return "the relative change is \(change.figure), above \(maxChange)"
        case .parameters(let keys): return "the config differs in \(keys.joined(separator: ", "))"
        case .structure(let tensor, let count):
            let more = count > 1 ? " and \(count - 1) more" : ""
            return "\(tensor.name)\(more): \(Self.word(tensor.status)), which is no change of numbers"
        case .unusable(let tensor): return "\(tensor.name) has elements that are infinite or NaN"
        }
    }

    private static func word(_ status: TensorDiff.Status) -> String {
        status == .dtype ? "of another dtype" : status.rawValue
    }

    private func table(_ tensors: [TensorDiff]) -> [String] {
        guard !tensors.isEmpty else { return [] }
        let rows = [columns + ["tensor"]] + tensors.map { cells($0) + [name($0)] }
        let widths = columns.indices.map { column in (rows.map { $0[column].count }.max() ?? 0) + 1 }
        return rows.map { row in
            let cells = zip(row, widths).map { cell, width in cell.padded(to: width + 1) }
            return (cells.joined() + row[columns.count]).escapedForTerminal
        }
    }

    private func name(_ tensor: TensorDiff) -> String {
        let note = tensor.structureNote
        return tensor.name + (note.isEmpty ? "" : ": " + note)
    }

    // MARK: Columns

    private var hasSpectra: Bool { report.tensors.contains { $0.spectrum != nil } }
    private var hasElements: Bool { report.tensors.contains { $0.figures?.elements != nil } }
    private var hasAngles: Bool { report.tensors.contains { $0.spectrum?.angles != nil } }

    private var columns: [String] {
        ["status", "change", "cosine"] + (hasElements ? ["largest", "changed", "signs", "bf16 loses"] : [])
            + (hasSpectra ? ["rank", "ranks for 50, 90, 95, 99 %"] : []) + (hasAngles ? ["angles"] : [])
    }

    private func cells(_ tensor: TensorDiff) -> [String] {
        let figures = tensor.figures
        var cells = [
            tensor.status.rawValue, figures?.relativeChange.figure ?? "-", figures?.cosine?.cosineText ?? "-",
        ]
        if hasElements {
            let elements = figures?.elements
            cells += [
                elements?.largestChange.figure ?? "-", elements?.changedShare.percent ?? "-",
                elements?.signAgreement.percent ?? "-",
                elements?.roundingLoss.map { $0 > 1 ? ">100 %" : $0.percent } ?? "-",
            ]
        }
        if hasSpectra {
            let spectrum = tensor.spectrum
            let ranks = spectrum.map { spectrum in
                spectrum.energyRanks.map { rank in rank.map(String.init) ?? ">\(spectrum.values.count)" }
                    .joined(separator: " ")
            }
            cells += [spectrum?.effectiveRank.text(decimals: 1) ?? "-", ranks ?? "-"]
        }
        if hasAngles {
            // The widest on each side says most: how far the two are from sharing a space.
            let angles = tensor.spectrum?.angles.map { angles in
                [angles.columns, angles.rows].map { ($0.last ?? 0).text(decimals: 0) + "°" }.joined(separator: " ")
            }
            cells.append(angles ?? "-")
        }
        return cells
    }

    // MARK: The page

    var page: ComparisonPage {
        let total = report.total
        var facts = [("from", paths[0]), ("to", paths[1])]
        if let base { facts.append(("base", base)) }
        if report.hasFigures {
            facts += [
                (changeWord, total.relativeChange.figure), ("cosine", total.cosine?.cosineText ?? "-"),
                ("norms", "\(total.baseNorm.figure), \(total.otherNorm.figure)"),
            ]
        }
        facts.append(("tensors", counts))
        if !report.parameters.isEmpty { facts.append(("config differs in", report.parameters.joined(separator: ", "))) }
        return ComparisonPage(
            title: report.isEqual ? "The same" : "What differs", facts: facts.map { (name: $0.0, value: $0.1) },
            columns: columns,
            tensors: report.worstFirst.map { tensor in
                ComparisonPage.Tensor(
                    name: tensor.name, status: tensor.status.rawValue,
                    relativeChange: tensor.isInBoth ? tensor.figures?.relativeChange : nil,
                    cells: cells(tensor), singularValues: tensor.spectrum?.values ?? [], note: tensor.structureNote)
            })
    }
}

extension TensorDiff {
    fileprivate var isInBoth: Bool { before != nil && after != nil }

    /// What it is on either side, where that differs.
    fileprivate var structureNote: String {
        switch (before, after) {
        case (let before?, let after?): before == after ? "" : "\(before) to \(after)"
        case (let form?, nil), (nil, let form?): form.description
        case (nil, nil): ""
        }
    }

    fileprivate var document: JSONValue {
        let elements = figures?.elements
        func number(_ value: Double?) -> JSONValue { value.map { JSONValue($0) } ?? nil }
        var document = JSONObject()
        document["name"] = .string(name)
        document["status"] = .string(status.rawValue)
        document["relativeChange"] = number(figures?.relativeChange)
        document["cosine"] = number(figures?.cosine)
        document["effectiveRank"] = number(spectrum?.effectiveRank)
        document["norms"] = figures.map { .array([JSONValue($0.baseNorm), JSONValue($0.otherNorm)]) } ?? nil
        document["changeNorm"] = number(figures?.changeNorm)
        document["largestChange"] = number(elements?.largestChange)
        document["changedShare"] = number(elements?.changedShare)
        document["signAgreement"] = number(elements?.signAgreement)
        document["roundingLoss"] = number(elements?.roundingLoss)
        document["unusable"] = elements.map { JSONValue($0.unusable) } ?? nil
        document["before"] = before.map { .string($0.description) } ?? nil
        document["after"] = after.map { .string($0.description) } ?? nil
        if let spectrum {
            document["spectrum"] = [
                "values": .array(spectrum.values.map { JSONValue($0) }), "complete": .bool(spectrum.isComplete),
                "energyRanks": .array(spectrum.energyRanks.map { $0.map { JSONValue($0) } ?? nil }),
                "anglesOfColumns": spectrum.angles.map { .array($0.columns.map { JSONValue($0) }) } ?? nil,
                "anglesOfRows": spectrum.angles.map { .array($0.rows.map { JSONValue($0) }) } ?? nil,
            ]
        }
        return .object(document)
    }
}

extension AdapterCosines {
    func document(paths: [String]) -> JSONValue {
        [
            "compared": "adapters", "adapters": .array(paths.map { .string($0) }),
            "norms": .array(norms.map { JSONValue($0) }),
            "cosines": .array(
                (0..<count).map { i in .array((0..<count).map { j in self[i, j].map { JSONValue($0) } ?? nil }) }),
        ]
    }

    func lines(paths: [String]) -> [String] {
        let width = max(7, String(count).count + 2)
        let head = "".padded(to: width) + (1...count).map { "\($0)".padded(to: width) }.joined()
        let rows = (0..<count).map { i in
            "\(i + 1)".padded(to: width)
                + (0..<count).map { j in (self[i, j]?.text(decimals: 3) ?? "-").padded(to: width) }.joined()
        }
        let names = paths.enumerated().map { index, path in
            ("\(index + 1)".padded(to: width) + "norm \(norms[index].figure)  " + path).escapedForTerminal
        }
        return names + [head] + rows
    }
}

extension Double {
    /// Three digits, or a word.
    fileprivate var figure: String {
        if self == 0 { return "0" }
        guard isFinite else { return isNaN ? "-" : "infinite" }
        guard magnitude >= 0.001, magnitude < 1000 else { return scientific }
        var decimals = 0
        var least = 99.95
        while magnitude < least {
            decimals += 1
            least /= 10
        }
        return text(decimals: decimals)
    }

    /// Enough digits to tell near ones from one.
    fileprivate var cosineText: String {
        let rounded = text(decimals: 6)
        return rounded == "1.000000" && self < 1 ? "0.999999+" : rounded
    }
}
