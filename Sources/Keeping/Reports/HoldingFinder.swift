import Checkpoints
package import Diagnostics
import Files
import Interchange
import Packaging

/// Looks through files and folders for what a report can tell of.
package struct HoldingFinder: Sendable {
    /// What could not be read, and why.
    package struct Broken: Sendable {
        package let path: String
        package let failure: Failure
    }

    /// What is none of the formats that are understood.
    package struct Other: Sendable {
        package let path: String
        package let bytes: Int
        /// What it looks like.
        package let sort: String
    }

    package private(set) var holdings: [Holding] = []
    package private(set) var broken: [Broken] = []
    package private(set) var others: [Other] = []
    /// Folders by their places without links: none is looked through twice.
    private var visited: [String: Int?] = [:]
    /// Containers by their places: the same name is no other name.
    private var files: Set<String> = []

    /// How many folders may lie in each other, and how much may be found.
    package static let mostDepth = 32
    package static let mostHoldings = 100_000

    package init() {}

    /// Takes in what lies at `path` and below it.
    ///
    /// Throws ``Failure/Code/notFound`` where nothing does, and ``Failure/Code/limit``. Anything wrong farther below is
    /// told in ``broken``.
    package mutating func look(at path: String) throws(Failure) {
        guard let kind = try Folder.kind(of: path) else {
            throw Failure(.notFound, "there is no such file or folder", path: path)
        }
        try visit(path, kind, depth: 0, isNamed: true)
    }

    /// Takes in what another knows of.
    ///
    /// Throws ``Failure/Code/limit``.
    package mutating func take(_ holding: Holding) throws(Failure) {
        guard holdings.count < Self.mostHoldings else {
            throw Failure(.limit, "too many to report on", path: holding.path, expected: "at most \(Self.mostHoldings)")
        }
        holdings.append(holding)
    }

    private mutating func visit(_ path: String, _ kind: FileKind, depth: Int, isNamed: Bool) throws(Failure) {
        try Cancellation.check()
        guard holdings.count < Self.mostHoldings else {
            throw Failure(.limit, "too many to report on", path: path, expected: "at most \(Self.mostHoldings)")
        }
        do throws(Failure) {
            switch kind {
            case .folder: try visitFolder(path, depth: depth)
            case .file: try visitFile(path)
            case .link, .other:
                if isNamed { throw Failure(.notRegular, "neither a file nor a folder", path: path) }
            }
        } catch {
            guard ![.interrupted, .terminated, .limit].contains(error.code) else { throw error }
            broken.append(Broken(path: path, failure: error))
        }
    }

    private mutating func visitFile(_ path: String) throws(Failure) {
        switch try Sniff.of(path) {
        case .container: add(.container, path)
        case .safetensors: add(.checkpoint, path)
        case let sort:
            // By its name it is one, whatever became of it.
            if path.hasSuffix(".tenon") { return add(.container, path) }
            others.append(Other(path: path, bytes: try InputFile(path: path).size, sort: sort.description))
        }
    }

    private mutating func visitFolder(_ named: String, depth: Int) throws(Failure) {
        let path = try SourcePaths.resolveCache(named)
        let place = try Folder.resolved(path)
        if let earlier = visited[place] {
            if let earlier { holdings[earlier].names.append(named) }
            return
        }
        visited[place] = .some(nil)
        guard depth <= Self.mostDepth else {
            throw Failure(.limit, "folders lie too deep", path: path, expected: "at most \(Self.mostDepth)")
        }
        var taken: Set<String> = []
        switch try Sniff.of(path) {
        case .peftFolder:
            visited[place] = holdings.count
            add(.folder, path)
            taken = Self.all(in: try Folder.entries(of: path), but: { $0.hasSuffix(".tenon") })
        case .modelFolder:
            do throws(Failure) {
                let checkpoint = try Checkpoint(path: path)
                visited[place] = holdings.count
                add(.checkpoint, path)
                taken = Set(checkpoint.shards.map(\.name) + checkpoint.companions)
            } catch {
                guard error.code == .notACheckpoint else { throw error }
            }
        default: break
        }
        for entry in try Folder.entries(of: path) where !taken.contains(entry.name) && !entry.name.hasPrefix(".") {
            try visit(Paths.joined(path, entry.name), entry.kind, depth: depth + 1, isNamed: false)
        }
    }

    /// The files of a folder that go with it as one.
    private static func all(in entries: [Folder.Entry], but isApart: (String) -> Bool) -> Set<String> {
        Set(entries.filter { $0.kind == .file && !isApart($0.name) }.map(\.name))
    }

    private mutating func add(_ form: Holding.Form, _ path: String) {
        let folder = (try? Folder.resolved(Paths.parent(of: path))) ?? Paths.parent(of: path)
        guard form != .container || files.insert(Paths.joined(folder, Paths.lastComponent(of: path))).inserted else {
            return
        }
        holdings.append(Holding(form: form, path: path, names: [path]))
    }
}
