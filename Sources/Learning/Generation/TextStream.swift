package import Tokenization

/// Makes text of ids as they come: whole characters, and nothing that may be the beginning of a text to stop at.
package struct TextStream: Sendable {
    private let tokenizer: Tokenizer
    private let stops: [[UInt8]]
    /// Ids whose text decides how the next begins, and those that have not been made text of.
    private var window: [Int32]
    /// How many of the window are text already.
    private var settled: Int
    /// Characters that may begin a text to stop at.
    private var held: [UInt8] = []
    /// Whether a text to stop at has come.
    package private(set) var isStopped = false

    /// How many ids decide how the next begins: a blank before it may be left out at the beginning of a text.
    private static let context = 5
    /// After so many ids without a whole character none is waited for.
    private static let patience = 8

    /// - Parameter prompt: What comes before the first id.
    package init(_ tokenizer: Tokenizer, after prompt: [Int32], stops: [String]) {
        self.tokenizer = tokenizer
        self.stops = stops.map { Array($0.utf8) }
        window = Array(prompt.suffix(Self.context))
        settled = window.count
    }

    /// What one more id adds to the text that can be shown.
    package mutating func append(_ id: Int32) -> String {
        window.append(id)
        return shown(settle(isLast: false), isLast: false)
    }

    /// What is left when no more comes.
    package mutating func finish() -> String { shown(settle(isLast: true), isLast: true) }

    /// The text of ids that are no text yet; nothing where they end within a character.
    private mutating func settle(isLast: Bool) -> [UInt8] {
        let before = Array(tokenizer.decode(Array(window[..<settled]), skippingSpecialTokens: true).utf8)
        let after = Array(tokenizer.decode(window, skippingSpecialTokens: true).utf8)
        let isWhole = !after.reversed().starts(with: "\u{FFFD}".utf8.reversed())
        guard isWhole || isLast || window.count - settled >= Self.patience else { return [] }
        guard after.count > before.count else { return [] }
        let common = zip(before, after).prefix { $0 == $1 }.count
        window.removeFirst(max(0, min(settled, window.count - Self.context)))
        settled = window.count
        // What was shown is not taken back.
        return common == before.count ? Array(after[common...]) : Array(after[Self.boundary(before.count, after)...])
    }

    /// The first character that begins at `place` or after it.
    private static func boundary(_ place: Int, _ text: [UInt8]) -> Int {
        var place = place
        while place < text.count, text[place] & 0xC0 == 0x80 { place += 1 }
        return place
    }

    private mutating func shown(_ more: [UInt8], isLast: Bool) -> String {
        guard !isStopped else { return "" }
        held += more
        if let end = firstStop() {
            isStopped = true
            defer { held = [] }
            return String(decoding: held[..<end], as: UTF8.self)
        }
        let kept = isLast ? 0 : lengthThatMayStop()
        defer { held.removeFirst(held.count - kept) }
        return String(decoding: held.dropLast(kept), as: UTF8.self)
    }

    /// Where the first of the texts to stop at begins.
    private func firstStop() -> Int? {
        guard !stops.isEmpty else { return nil }
        return held.indices.first { place in stops.contains { held[place...].starts(with: $0) } }
    }

    /// The longest end of what is held that one of the texts begins with.
    private func lengthThatMayStop() -> Int {
        let longest = min(held.count, (stops.map(\.count).max() ?? 1) - 1)
        return (0...max(0, longest)).last { length in
            length == 0 || stops.contains { $0.count > length && $0.starts(with: held.suffix(length)) }
        } ?? 0
    }
}
