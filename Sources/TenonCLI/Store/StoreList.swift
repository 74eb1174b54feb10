import AdapterStore
import ArgumentParser
import Diagnostics
import JSON
import Packaging

struct StoreList: ParsableCommand, Exemplified {
    static let example = "tenon store list 'support-*' --method lora --store my-store"

    enum Sort: String, ExpressibleByArgument, CaseIterable {
        case adapter, checkpoint

        var sort: ObjectFacts.Sort {
            switch self {
            case .adapter: .adapter
            case .checkpoint: .checkpoint
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List or search what is in the store.",
        discussion: """
            All that is asked for must hold. In a pattern * is any run of characters and ? any one; with a colon it is \
            held against name and tag, else against the name alone.
            """)

    @Argument(help: ArgumentHelp("A name, or a quoted pattern such as 'support-*'.", valueName: "pattern"))
    var pattern: String?

    @Option(help: ArgumentHelp("Bound to the base whose root begins so.", valueName: "digest"))
    var base: String?

    @Option(help: ArgumentHelp("Of this method, such as lora.", valueName: "method"))
    var method: String?

    @Option(help: ArgumentHelp("Of this rank.", valueName: "n"))
    var rank: Int?

    @Option(help: ArgumentHelp("Whose digest begins so.", valueName: "digest"))
    var digest: String?

    @Option(help: ArgumentHelp("adapter or checkpoint.", valueName: "kind"))
    var kind: Sort?

    @Option(help: ArgumentHelp("With this metadata; may be repeated.", valueName: "key=value"))
    var metadata: [String] = []

    @Option(help: ArgumentHelp("How many to list at most; 0 for all.", valueName: "n"))
    var limit = 1000

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if limit < 0 || limit > 1 << 40 { throw ValidationError("--limit is out of its range.") }
    }

    func run() throws {
        let console = shared.console
        var search = Search()
        search.pattern = pattern
        search.base = base
        search.digest = digest
        search.method = method
        search.rank = rank
        search.sort = kind?.sort
        search.metadata = try MetadataPairs.parse(metadata)
        search.limit = limit == 0 ? nil : limit
        let store = try place.open()
        let result = try store.search(search)
        if shared.json {
            console.result([
                "store": .string(store.path), "isCut": .bool(result.isCut),
                "objects": .array(
                    result.found.map { named in
                        var document = JSONObject()
                        document["name"] = .string(named.name.name)
                        document["tag"] = .string(named.name.tag)
                        for member in named.object.document.members { document[member.key] = member.value }
                        return .object(document)
                    }),
            ])
            return
        }
        var lines = result.found.map { named in
            "\(named.name)".padded(to: 40) + named.object.shortDigest + "  " + named.object.summary
        }
        if lines.isEmpty { lines = ["nothing found"] }
        console.result(lines.joined(separator: "\n").escapedForTerminalLines)
        if result.isCut {
            console.warn(Finding("cut", "there are more than \(limit); --limit 0 lists them all"))
        }
    }
}

extension String {
    /// Escaped line by line.
    fileprivate var escapedForTerminalLines: String {
        split(separator: "\n", omittingEmptySubsequences: false).map { String($0).escapedForTerminal }
            .joined(separator: "\n")
    }
}
