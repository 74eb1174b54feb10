/// Unicode's normalization forms, which say of each character what it came of.
enum NormalizationForm: String, Hashable, Sendable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"

    private var composes: Bool { self == .nfc || self == .nfkc }
    private var isCompatible: Bool { self == .nfkc || self == .nfkd }

    func callAsFunction(_ text: inout AlignedText) {
        if leavesAlone(text.bytes) { return }
        text.rewrite { text, output in
            var composer = Composer()
            var pending: [Part] = []
            let table = Decompositions.standard
            func settle() {
                if pending.count > 1 { pending.sortStably() }
                for part in pending {
                    if composes { composer.take(part, &output) } else { output.put(part.scalar, part.change) }
                }
                pending.removeAll(keepingCapacity: true)
            }
            text.forEachScalar { scalar in
                table.forEachPart(of: scalar, isCompatible: isCompatible) { part, isFirst in
                    let order = Decompositions.combiningClass(part)
                    if order == 0 { settle() }
                    pending.append(Part(scalar: part, order: order, change: isFirst ? 0 : 1))
                }
            }
            settle()
            composer.finish(&output)
        }
    }

    /// Whether a text is surely in this form: quickly told, not always.
    private func leavesAlone(_ text: [UInt8]) -> Bool {
        // No character below U+0300 is one that composition would change.
        let limit: UInt8 = self == .nfc ? 0xCC : 0x80
        if text.allSatisfy({ $0 < limit }) { return true }
        guard self == .nfc else { return false }
        let string = String(decoding: text, as: UTF8.self)
        var span = string.utf8Span
        return span.checkForNFC(quickCheck: true)
    }
}

/// A character of a decomposition, its combining class, and what it means for the alignment.
private struct Part {
    var scalar: Unicode.Scalar
    var order: UInt8
    var change: Int
}

extension [Part] {
    /// By class; few marks, so by insertion. What an endless run of marks takes stays within n log n.
    fileprivate mutating func sortStably() {
        if count > 32 {
            self = enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }.map(\.element)
            return
        }
        for index in 1..<count {
            let part = self[index]
            var place = index
            while place > 0, self[place - 1].order > part.order {
                self[place] = self[place - 1]
                place -= 1
            }
            self[place] = part
        }
    }
}

/// Joins what was decomposed and sorted: the canonical composition of Unicode's annex 15.
private struct Composer {
    private var starter: Part?
    /// Marks after the starter that did not join it.
    private var marks: [Part] = []

    mutating func take(_ part: Part, _ output: inout Rewrite) {
        guard let first = starter else {
            if part.order == 0 { starter = part } else { output.put(part.scalar, part.change) }
            return
        }
        let isBlocked = marks.last.map { $0.order >= part.order } ?? false
        if !isBlocked, let whole = Decompositions.standard.composite(first.scalar, part.scalar) {
            starter = Part(scalar: whole, order: 0, change: first.change + part.change - 1)
        } else if part.order == 0 {
            finish(&output)
            starter = part
        } else {
            marks.append(part)
        }
    }

    mutating func finish(_ output: inout Rewrite) {
        if let starter { output.put(starter.scalar, starter.change) }
        for mark in marks { output.put(mark.scalar, mark.change) }
        marks.removeAll(keepingCapacity: true)
        starter = nil
    }
}
