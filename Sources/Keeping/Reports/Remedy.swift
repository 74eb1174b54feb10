import Files

/// Something to mend, before all the names are known that its command must speak of.
struct Remedy: Sendable {
    enum Way: Sendable {
        /// It goes.
        case removal
        /// A container is written anew with these options of `pack`, from what it unpacks to.
        case rewriting(options: String)
        /// A container is written anew from the folder that it was packed from: what it holds is rounded, and unpacked it
        /// would be rounded again.
        case repacking(options: String)
        /// What this command makes of a folder or a model takes its place.
        case replacement(command: String, output: String, options: String)
        /// A command that needs no names.
        case command(String)
    }

    let sort: Advice.Sort
    let reason: String
    let saves: Int?
    let way: Way
}

/// The files that an item consists of.
struct OwnFiles: Sendable {
    /// Of a folder of PEFT's the config and the numbers first.
    var paths: [String] = []
    /// Whether the folder that they lie in holds nothing else.
    var areAll = false
    /// The one with the numbers, where it is one.
    var weights: (path: String, key: ItemReader.FileKey, byteCount: Int)?
    /// The size of config and numbers, without what goes along with them.
    var adapterBytes = 0
}

/// Puts remedies into words for a POSIX shell.
struct RemedyCommand {
    let holding: Holding
    let files: OwnFiles

    init(_ item: ReportItem) {
        holding = item.holding
        files = item.files
    }

    /// Nil where nothing is to be done about it: what has no name in a store is collected as it is.
    func text(_ way: Remedy.Way) -> String? {
        if let store = holding.store { return kept(way, Self.place(store)) }
        switch way {
        case .removal: return Self.removal(holding, files)
        case .rewriting(let options):
            let path = Self.quoted(holding.path)
            return Self.inFolder("tenon unpack \(path) -o \"$d/a\" && tenon pack \"$d/a\" -o \(path) --force\(options)")
                + linking(to: holding.path)
        case .repacking(let options):
            return "tenon pack FOLDER -o \(Self.quoted(holding.path)) --force\(options)" + linking(to: holding.path)
        case .replacement(let command, let output, let options):
            return "\(command) -o \(Self.quoted(output))\(options) && \(Self.removal(holding, files))"
        case .command(let command): return command
        }
    }

    /// The command that leaves one copy of what both hold, and how many bytes that saves at most; nil where they share
    /// their bytes already.
    func sharing(with original: ReportItem) -> (command: String, saves: Int)? {
        let other = original.holding
        if let store = holding.store {
            guard other.store == store else { return nil }
            let names = [other.names.first ?? other.path] + holding.names
            let command =
                holding.isNamed
                ? "tenon store tag " + names.map(Self.quoted).joined(separator: " ") + " --force " + Self.place(store)
                : text(.removal)
            return command.map { ($0, files.adapterBytes) }
        }
        guard other.store == nil, (other.form == .container) == (holding.form == .container) else {
            // What lies beside config and numbers of a folder is no part of what both hold.
            var adapter = files
            adapter.paths = Array(files.paths.prefix(2))
            adapter.areAll = files.areAll && adapter.paths.count == files.paths.count
            return (Self.removal(holding, adapter), files.adapterBytes)
        }
        guard let weights = files.weights, let kept = original.files.weights, weights.key != kept.key else {
            return nil
        }
        let target = holding.form == .container ? weights.path : Paths.joined(holding.path, Self.name(of: kept.path))
        let link: String
        if weights.key.device == kept.key.device {
            link = "ln -f \(Self.quoted(kept.path)) \(Self.quoted(target))"
        } else {
            let place = (try? Folder.resolved(kept.path)) ?? kept.path
            link = "ln -sf \(Self.quoted(place)) \(Self.quoted(target))"
        }
        let isSame = Self.name(of: weights.path) == Self.name(of: target)
        let rest =
            holding.form == .container
            ? linking(to: target) : isSame ? "" : " && rm \(Self.quoted(weights.path))"
        return (link + rest, weights.byteCount)
    }

    // MARK: In the open

    private static func removal(_ holding: Holding, _ files: OwnFiles) -> String {
        // A single file is all that goes by its names.
        guard files.paths != [holding.path] else {
            return "rm " + holding.names.map(quoted).joined(separator: " ")
        }
        guard files.areAll else { return "rm " + files.paths.map(quoted).joined(separator: " ") }
        // Of several names all but one are links, or lead there through one.
        return (holding.names.count == 1 ? "rm -r " : "rm -rf ")
            + holding.names.map { quoted(removable($0)) }.joined(separator: " ")
    }

    /// A folder's path as `rm` takes it: without a slash at its end, and neither "." nor "..".
    private static func removable(_ path: String) -> String {
        let name = name(of: path)
        if name == "." || name == ".." { return (try? Folder.resolved(path)) ?? path }
        return Paths.parent(of: path) == "." && !path.hasPrefix("./")
            ? name : Paths.joined(Paths.parent(of: path), name)
    }

    /// Gives the other names what is at `path` now.
    private func linking(to path: String) -> String {
        holding.names.filter { $0 != path }.map { " && ln -f \(Self.quoted(path)) \(Self.quoted($0))" }.joined()
    }

    // MARK: In a store

    /// The files of a store are nobody else's to touch: an object is taken out and put back under all of its names.
    private func kept(_ way: Remedy.Way, _ place: String) -> String? {
        guard holding.isNamed else {
            if case .removal = way { return "tenon store gc \(place)" }
            return nil
        }
        let names = holding.names.map(Self.quoted)
        let addition =
            "tenon store add \"$d/a.tenon\"" + names.map { " --name \($0)" }.joined() + " --force \(place)"
        switch way {
        case .removal: return names.map { "tenon store remove \($0) \(place)" }.joined(separator: " && ")
        case .rewriting(let options):
            return Self.inFolder(
                "tenon store get \(names[0]) -o \"$d/a\" --format peft \(place) && "
                    + "tenon pack \"$d/a\" -o \"$d/a.tenon\"\(options) && " + addition)
        case .repacking(let options):
            return Self.inFolder("tenon pack FOLDER -o \"$d/a.tenon\"\(options) && " + addition)
        case .replacement, .command: return nil
        }
    }

    // MARK: Words

    private static func place(_ store: String) -> String { "--store \(quoted(store))" }

    /// Commands with a folder `$d` of their own, which is gone when they have done it.
    private static func inFolder(_ commands: String) -> String {
        "d=$(mktemp -d) && \(commands) && rm -r \"$d\""
    }

    private static func name(of path: String) -> String { Paths.lastComponent(of: path) }

    private static func quoted(_ text: String) -> String { ShellWord.quoted(text) }
}
