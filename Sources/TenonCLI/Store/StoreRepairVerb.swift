import AdapterStore
import ArgumentParser
import JSON

struct StoreRepairVerb: ParsableCommand, Exemplified {
    static let example = "tenon store repair --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "repair", abstract: "Mend a damaged store, without deleting anything.",
        discussion: """
            A catalog that is lost or damaged is made anew from the objects and the reflog. Damaged files go to the folder \
            quarantine; their names stay, and adding the same adapter again heals them. Exit status 1 where something \
            stays lost.
            """)

    @Option(help: ArgumentHelp("How deep to look: structure, quick or full.", valueName: "level"))
    var level = CheckLevel.full

    @Flag(help: "Give up the names whose objects are lost.")
    var dropNames = false

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        let path = try StorePlace.resolve(place.store)
        var options = StoreRepair.Options(lanes: shared.lanes)
        options.level = level
        options.dropsNames = dropNames
        options.patience = place.patience
        try StoreRepair.run(path, options).tell(shared.console, path: path)
    }
}
