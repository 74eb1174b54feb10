package import Diagnostics

/// Which keys or columns hold texts, and which one holds the label.
package struct LabeledColumns: Hashable, Sendable {
    /// One, or two of a pair.
    package let texts: [String]
    package let label: String

    /// What data sets call them, in the order in which they are looked for: pairs come before a text alone.
    private static let known = [
        ["sentence1", "sentence2"], ["premise", "hypothesis"], ["question1", "question2"], ["question", "sentence"],
        ["query", "passage"], ["text1", "text2"], ["text_a", "text_b"], ["text", "text_pair"], ["text"], ["sentence"],
        ["content"], ["review"],
    ]
    private static let knownLabels = ["label", "labels", "target", "class", "score"]

    /// By `texts` and `label` where they are given, and else by the names that data sets use.
    ///
    /// Throws ``Failure/Code/badDataLine`` naming what is not among `names`: a column that was asked for, the second text of
    /// a pair, a text, or a label.
    package init(
        in names: [String], texts wanted: [String] = [], label wantedLabel: String? = nil
    ) throws(Failure) {
        func has(_ name: String) -> Bool { names.contains { $0.equalsInBytes(name) } }
        for name in wanted + (wantedLabel.map { [$0] } ?? []) where !has(name) {
            throw Self.missing("a column that was asked for", "`\(name)`", names)
        }
        if wanted.isEmpty {
            guard let texts = Self.known.first(where: { $0.allSatisfy(has) }) else {
                if let half = Self.known.first(where: { $0.contains(where: has) }),
                    let lacking = half.first(where: { !has($0) })
                {
                    throw Self.missing("a text of a pair", "`\(lacking)`", names)
                }
                throw Self.missing("a text", "such as `text`, or `sentence1` and `sentence2`", names)
            }
            self.texts = texts
        } else {
            texts = wanted
        }
        guard let label = wantedLabel ?? Self.knownLabels.first(where: has) else {
            throw Self.missing("the label", "`label`", names)
        }
        self.label = label
    }

    private init(texts: [String], label: String) {
        self.texts = texts
        self.label = label
    }

    /// Names by which a table's first record is known to be a header.
    static var headerNames: [String] { known.flatMap(\.self) + knownLabels + ["idx", "id"] }

    /// The names of columns without a header: one text or two, and behind them the label. Nil for another number.
    static func unnamed(count: Int) -> [String]? {
        switch count {
        case 2: ["text", "label"]
        case 3: ["sentence1", "sentence2", "label"]
        default: nil
        }
    }

    private static func missing(_ what: String, _ expected: String, _ names: [String]) -> Failure {
        Failure(
            .badDataLine, "\(what) is missing", expected: expected,
            actual: names.isEmpty ? "no keys" : names.prefix(8).joined(separator: ", "),
            hint: "--text-columns and --label-column take other names")
    }
}
