import Diagnostics

/// Does `body`; of an interruption it tells the command that goes on.
func tellingHowToGoOn<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    do throws(Failure) {
        return try body()
    } catch {
        guard error.code == .interrupted || error.code == .terminated else { throw error }
        let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--resume" }
        throw error.hint("to go on: tenon " + (arguments + ["--resume"]).map(\.quotedForShell).joined(separator: " "))
    }
}

extension String {
    /// As a shell takes it for one word.
    fileprivate var quotedForShell: String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:+@%")
        if !isEmpty && allSatisfy(plain.contains) { return self }
        return "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
