import Diagnostics

/// Lines that could not be used: counted, and the first of them told of.
struct SkippedLines {
    private static let shownCount = 10

    let path: String
    /// Whether the first one ends it all.
    let isStrict: Bool
    /// What is no fault of a line alone, so that no other could be used either.
    private let fatal: [Failure.Code]
    private(set) var count = 0
    private(set) var first: [Failure] = []

    init(path: String, isStrict: Bool, fatal: [Failure.Code] = []) {
        self.path = path
        self.isStrict = isStrict
        self.fatal = fatal + [.interrupted, .terminated, .internal, .templateUnsupported]
    }

    /// What is made of a line, nil where it cannot be used.
    ///
    /// Throws what is no fault of the line, and where lines may not be skipped ``Failure/Code/badDataLine``.
    mutating func trying<Result>(
        _ line: Int, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        do throws(Failure) {
            return try body()
        } catch {
            guard !fatal.contains(error.code) else { throw error }
            let failure = error.asFault(ofLine: line, of: path)
            guard !isStrict else { throw failure }
            count += 1
            if first.count < Self.shownCount { first.append(failure) }
            return nil
        }
    }

    /// Takes over what was skipped before.
    mutating func add(_ earlier: SkippedLines) {
        count += earlier.count
        first += earlier.first.prefix(Self.shownCount - first.count)
    }

    /// That no line is left to learn from.
    func empty(expected: String) -> Failure {
        Failure(
            .dataEmpty, "no line of the data can be used", path: path, hint: first.first?.hints.first ?? expected,
            cause: first.first.map { failure in
                "\(failure.object ?? ""): \(failure.what)" + (failure.actual.map { ", found \($0)" } ?? "")
            })
    }

    var findings: [Finding] {
        if count == 0 { return [] }
        let word = Failure.Code.badDataLine.word
        return first.map { Finding(word, "skipped \($0)") }
            + [Finding(word, "lines skipped in all: \(count)", object: path)]
    }
}

extension Failure {
    /// The same as the fault of a line; what is wrong with a text of it is the cause.
    func asFault(ofLine number: Int, of path: String) -> Failure {
        var failure = self
        if code == .templateRefused {
            failure.cause = [cause, object, self.path].compactMap(\.self).joined(separator: ", ")
        }
        failure.code = .badDataLine
        failure.object = "line \(number)"
        failure.path = path
        return failure
    }
}
