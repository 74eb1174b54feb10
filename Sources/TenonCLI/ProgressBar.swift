import Dispatch
import Files
import Packaging
import Synchronization

/// A line on the terminal that says how far a command has come, from the first third of a second on.
final class ProgressBar: Sendable {
    let progress = Progress()
    private let verb: String
    /// Whether there is a line to erase; nil once the bar has ended.
    private let isDrawn = Mutex<Bool?>(false)

    private static let width = 24

    /// Nil where nobody would see it: not on a terminal, or not wanted.
    init?(_ verb: String, isQuiet: Bool) {
        guard !isQuiet, Syscalls.isTerminal(2) else { return nil }
        self.verb = verb
        draw(after: .milliseconds(300))
    }

    private func draw(after delay: DispatchTimeInterval) {
        DispatchQueue.global().asyncAfter(deadline: .now() + delay) { [weak self] in
            guard let self, isDrawn.withLock({ $0 != nil }) else { return }
            draw()
            draw(after: .milliseconds(100))
        }
    }

    private func draw() {
        guard let share = progress.share else { return }
        isDrawn.withLock { isDrawn in
            guard isDrawn != nil else { return }
            let full = Int(share * Double(Self.width))
            let bar = String(repeating: "=", count: full) + String(repeating: " ", count: Self.width - full)
            Self.write("\r\(verb) [\(bar)] \((share * 100).text(decimals: 0)) %")
            isDrawn = true
        }
    }

    /// Erases the line, so that something else can be written in its place.
    func erase() {
        isDrawn.withLock { isDrawn in
            if isDrawn == true { Self.write(Self.erasure) }
            if isDrawn != nil { isDrawn = false }
        }
    }

    /// Erases the line for good.
    func end() {
        isDrawn.withLock { isDrawn in
            if isDrawn == true { Self.write(Self.erasure) }
            isDrawn = nil
        }
    }

    private static let erasure = "\r" + String(repeating: " ", count: 60) + "\r"

    private static func write(_ text: String) {
        try? Syscalls.writeAll(Array(text.utf8), to: 2)
    }
}
