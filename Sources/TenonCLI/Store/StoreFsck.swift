import AdapterStore
import ArgumentParser
import Diagnostics
import JSON
import Packaging

struct StoreFsck: ParsableCommand, Exemplified {
    static let example = "tenon store fsck --level full --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "fsck", abstract: "Check that the store is as it should be.",
        discussion: """
            catalog looks at the catalog, the reflog and the sizes of all files; structure at every container's index; \
            quick at every stored byte's checksum; full at every tensor's SHA-256; bases also whether what deltas are made \
            on is there. Changes nothing. Exit status 1 where there is damage.
            """)

    @Option(help: ArgumentHelp("catalog, structure, quick, full or bases; or 0 to 4.", valueName: "level"))
    var level = CheckLevel.quick

    @OptionGroup var place: StoreOptions
    @OptionGroup var shared: SharedOptions

    func run() throws {
        let path = try StorePlace.resolve(place.store)
        let report = try StoreCheck.run(path, level: level, patience: place.patience, lanes: shared.lanes)
        try report.tell(shared.console, path: path, level: level)
    }
}

extension CheckLevel: ExpressibleByArgument {
    /// As the parser asks for it.
    public init?(argument: String) { self.init(argument) }

    /// What the parser offers instead of a word that it does not know.
    public static var allValueStrings: [String] { allCases.map(\.word) }

    /// The help of the verb says what they mean.
    public static var allValueDescriptions: [String: String] { [:] }

    /// As the help prints it.
    public var defaultValueDescription: String { word }
}

extension CheckReport {
    /// Prints it, and ends with the honest no where there is damage.
    func tell(_ console: Console, path: String, level: CheckLevel? = nil) throws {
        let damage = findings.count(where: \.isDamage)
        if console.isJSON {
            var document = JSONObject()
            document["ok"] = .bool(isSound)
            if let level { document["level"] = .string(level.word) }
            document["objects"] = JSONValue(objectCount)
            document["bytes"] = JSONValue(byteCount)
            document["findings"] = .array(findings.map(\.document))
            console.result(.object(document))
        } else {
            for finding in findings {
                console.result(((finding.isDamage ? "no  " : "--  ") + finding.text).escapedForTerminal)
            }
            let looked = "looked at \(objectCount) objects, \(ByteSize.text(byteCount))"
            console.result(isSound ? "ok  \(looked)" : "no  \(looked): \(damage) damaged")
        }
        guard !isSound else { return }
        console.report(
            Failure(.verificationFailed, "the store is damaged", path: path, hint: hint),
            asDocument: false)
        throw ExitCode(ExitStatus.no.rawValue)
    }
}
