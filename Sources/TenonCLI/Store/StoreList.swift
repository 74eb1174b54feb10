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
            held against name and tag, else against the name alone. What is missing or damaged is marked.
            """)

    @Argument(help: ArgumentHelp("A name, or a quoted pattern such as 'support-*'.", valueName: "pattern"))
    var pattern: String?

    @Option(
        help: ArgumentHelp(
            "Bound to this base: its name in the store, or the beginning of its fingerprint.", valueName: "base"))
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

    @Flag(help: "Also what has no name.")
    var all = false

    @Option(help: ArgumentHelp("How many to list at most; 0 for all.", valueName: "n"))
    var limit = 1000

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws {
        if all && pattern != nil { throw ValidationError("--all lists what has no name to hold against a pattern.") }
        if limit < 0 || limit > 1 << 40 { throw ValidationError("--limit is out of its range.") }
    }

    func run() throws {
        let console = shared.console
        var search = Search()
        search.pattern = pattern
        search.digest = digest
        search.method = method
        search.rank = rank
        search.sort = kind?.sort
        search.metadata = try MetadataPairs.parse(metadata)
        search.limit = limit == 0 ? nil : limit
        search.includesNameless = all
        let store = try place.open()
        search.base = try base.map { try store.rootPrefix(ofBase: $0) }
        let result = try store.search(search)
        if shared.json {
            console.result([
                "store": .string(store.path), "isCut": .bool(result.isCut),
                "objects": .array(
                    result.found.map { document($0.name, $0.object) } + result.nameless.map { document(nil, $0) }),
            ])
            return
        }
        var lines = result.found.map { line("\($0.name)", $0.object) } + result.nameless.map { line("-", $0) }
        if lines.isEmpty { lines = ["nothing found"] }
        console.result(lines.joined(separator: "\n").escapedForTerminalLines)
        if result.isCut {
            console.warn(Finding("cut", "there are more than \(limit); --limit 0 lists them all"))
        }
    }

    private func document(_ name: StoreName?, _ object: StoredObject) -> JSONValue {
        var document = JSONObject()
        document["name"] = name.map { .string($0.name) } ?? nil
        document["tag"] = name.map { .string($0.tag) } ?? nil
        for member in object.document.members { document[member.key] = member.value }
        return .object(document)
    }

    private func line(_ name: String, _ object: StoredObject) -> String {
        let mark = object.state == .whole ? "" : "\(object.state.word): "
        return name.padded(to: 40) + object.shortDigest + "  " + mark + object.summary
    }
}

extension String {
    /// Escaped line by line.
    fileprivate var escapedForTerminalLines: String {
        split(separator: "\n", omittingEmptySubsequences: false).map { String($0).escapedForTerminal }
            .joined(separator: "\n")
    }
}
