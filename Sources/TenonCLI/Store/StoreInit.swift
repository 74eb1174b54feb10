import AdapterStore
import ArgumentParser
import Diagnostics
import JSON

struct StoreInit: ParsableCommand, Exemplified {
    static let example = "tenon store init --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make an empty store.",
        discussion: "The folder must be empty or not there, and not lie within another store.")

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        let path = try StorePlace.resolve(place.store)
        try StorePlace.create(at: path)
        if shared.json {
            shared.console.result(["store": .string(path)])
        } else {
            shared.console.result("made an empty store in \(path)".escapedForTerminal)
        }
    }
}
