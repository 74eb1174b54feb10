import AdapterStore
import ArgumentParser
import Diagnostics
import JSON

struct StoreInit: ParsableCommand, Exemplified {
    static let example = "tenon store init my-store"

    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make an empty store.",
        discussion: "The folder must be empty or not there, and not lie within another store.")

    @Argument(help: ArgumentHelp("The folder, instead of --store.", valueName: "dir"))
    var folder: String?

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if folder != nil && place.store != nil { throw ValidationError("The folder is named twice.") }
    }

    func run() throws {
        let path = try StorePlace.resolve(folder ?? place.store)
        try StorePlace.create(at: path)
        if shared.json {
            shared.console.result(["store": .string(path)])
        } else {
            shared.console.result("made an empty store in \(path)".escapedForTerminal)
        }
    }
}
