import AdapterStore
import ArgumentParser

struct StoreScrub: ParsableCommand, Exemplified {
    static let example = "tenon store scrub --max-duration 10m --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "scrub", abstract: "Read objects in full, those first that were not checked for longest.",
        discussion: """
            Notes in the catalog what was found, so that scrubbing every night for a while reads everything in time. What is \
            damaged is not given out any more. Exit status 1 where there is damage.
            """)

    @Option(help: ArgumentHelp("Begin no other object after this time, such as 10m.", valueName: "time"))
    var maxDuration: StoreDuration?

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        let store = try place.open()
        try store.scrub(within: maxDuration?.nanoseconds, lanes: shared.lanes).tell(shared.console, path: store.path)
    }
}
