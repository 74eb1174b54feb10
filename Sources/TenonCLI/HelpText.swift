import ArgumentParser

/// A command whose help ends with an example; a test runs each of them.
protocol Exemplified {
    static var example: String { get }
}

/// What the parser's own help lacks: it has no place for anything after the options.
enum HelpText {
    /// `text` with the example of the command whose help it is; other texts as they are.
    static func withExample(_ text: String) -> String {
        var commands: [any ParsableCommand.Type] = [Tenon.self]
        for verb in Tenon.configuration.subcommands { commands += [verb] + verb.configuration.subcommands }
        for command in commands where text == Tenon.helpMessage(for: command) {
            guard let exemplified = command as? any Exemplified.Type else { break }
            return text + (text.hasSuffix("\n") ? "" : "\n") + "\nEXAMPLE:\n  " + exemplified.example
        }
        return text
    }
}
