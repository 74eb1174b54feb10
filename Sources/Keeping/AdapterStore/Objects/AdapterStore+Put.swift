import DeltaFormat
package import Diagnostics
package import Digests
import Files
import Packaging
package import Parallelism

/// What is said of an object beside what its container says.
package struct PutOptions: Sendable {
    /// What it is to be called; an object without a name is collected once it has rested.
    package var names: [StoreName] = []
    package var metadata: [(key: String, value: String)] = []
    /// The size of the files that went in.
    package var inputBytes = 0
    /// What went in: the word of a format.
    package var origin = "tenon"
    /// Whether names that stand for something else are given to this.
    package var replaces = false
    /// The root of a checkpoint that must still be in the store, for this was made on it.
    var needs: Digest?

    package init() {}

    /// Throws ``Failure/Code/usage`` for more names and metadata than a line of the reflog can hold.
    func checkLength() throws(Failure) {
        let digest = Digest([UInt8](repeating: 0, count: 32))
        let put = ReflogLine.Put(object: digest, inputBytes: .max, origin: origin, metadata: metadata)
        let line = ReflogLine(generation: .max, time: .max, putting: [(put, names)])
        let length = line.text.utf8.count
        guard length > ReflogLine.longest else { return }
        throw Failure(
            .usage, "this is more metadata than one object can be given at a time",
            expected: "at most \(ReflogLine.longest) bytes, names and metadata together", actual: "\(length)")
    }
}

/// What became of what was put into a store.
package struct PutReport: Sendable {
    package let object: StoredObject
    /// Whether the store did not have it before.
    package let isNew: Bool
    /// Whether the store had it, but its file was missing or damaged.
    package var isRestored = false
    package let findings: [Finding]
}

extension AdapterStore {
    /// Makes the container that lies at `staging.container` an object of the store, under the names given.
    ///
    /// When this returns, object and names are on the medium; when it throws, the names are as they were. A file that is at
    /// the object's place already and holds other bytes is damaged: it goes to the quarantine, and this takes its place.
    ///
    /// - Parameter isVerified: Whether the container's data were verified while it was written; else this does.
    package func put(
        _ staging: Staging, _ options: PutOptions, isVerified: Bool, lanes: Lanes
    ) throws(Failure) -> PutReport {
        try options.checkLength()
        let facts: ObjectFacts
        let added: Int64
        do {
            let file = try InputFile(path: staging.container)
            let container = try Container(file)
            if !isVerified {
                try Self.verify(file, lanes: lanes)
                try prove(container, lanes: lanes)
            }
            facts = ObjectFacts(container)
            added = file.identity.modified
        }
        try checkFree(options.names, for: facts.digest, replaces: options.replaces)
        try SealedFile.seal(staging.container)
        return try holding(.shared) { () throws(Failure) in
            var (isPlaced, findings) = try place(staging.container, facts.digest)
            var isNew = false
            var isRestored = false
            let finding = try operate { generation, time throws(Failure) in
                let there = try catalog.object(facts.digest)
                isNew = there == nil
                isRestored = there.map { isPlaced || $0.state != .whole } ?? false
                try checkNeeds(of: options, facts.digest)
                let row = try catalog.insert(
                    facts, inputBytes: options.inputBytes, origin: options.origin, added: added, used: time,
                    check: (.full, time))
                try checkFree(options.names, for: facts.digest, replaces: options.replaces)
                for name in options.names { try catalog.set(name, to: row, generation: generation, at: time) }
                for (key, value) in options.metadata { try catalog.insert(key, value, of: row, isUsers: true) }
                let put = ReflogLine.Put(
                    object: facts.digest, inputBytes: options.inputBytes, origin: options.origin,
                    metadata: options.metadata)
                return ReflogLine(generation: generation, time: time, putting: [(put, options.names)])
            }
            if let finding { findings.append(finding) }
            guard let object = try catalog.object(facts.digest) else {
                throw Failure(.internal, "an object was put and is not there", object: "\(facts.digest)", path: path)
            }
            return PutReport(object: object, isNew: isNew, isRestored: isRestored, findings: findings)
        }
    }

    /// Throws ``Failure/Code/notFound`` where what the new object was made on was collected since.
    private func checkNeeds(of options: PutOptions, _ digest: Digest) throws(Failure) {
        guard let needs = options.needs else { return }
        let isThere = try catalog.objects(resultingIn: needs).contains {
            $0.state == .whole && $0.baseRoot != needs && $0.digest != digest
        }
        guard !isThere else { return }
        throw Failure(
            .notFound, "what this was made on was removed from the store meanwhile", object: "\(needs)", path: path,
            hint: "add it once more")
    }

    /// Throws ``Failure/Code/outputExists`` where one of `names` stands for another object.
    package func checkFree(_ names: [StoreName], for digest: Digest?, replaces: Bool) throws(Failure) {
        guard !replaces else { return }
        for name in names {
            guard let there = try catalog.object(named: name), there.digest != digest else { continue }
            throw Failure(
                .outputExists, "the name stands for another object", object: "\(name)", path: path,
                hint: "--force gives it to this one, or choose another tag")
        }
    }

    static func verify(_ file: InputFile, lanes: Lanes) throws(Failure) {
        let verification = Verification.run(on: file, level: .full, values: false, lanes: lanes)
        if let failure = verification.failure { throw failure }
    }

    /// Puts a sealed file in its object's place and waits until its name is on the medium; `isPlaced` is false where the same
    /// was there.
    func place(
        _ staged: String, _ digest: Digest
    ) throws(Failure) -> (isPlaced: Bool, findings: [Finding]) {
        let folder = layout.folder(of: digest)
        let target = layout.object(digest)
        var findings: [Finding] = []
        if try Folder.kind(of: folder) == nil {
            do throws(Failure) {
                try Folder.make(folder)
            } catch {
                // Another process was faster.
                guard error.code == .outputExists else { throw error }
            }
        }
        var isPlaced = true
        while !(try Folder.move(staged, to: target)) {
            if try SealedFile.holdSameBytes(staged, target) {
                isPlaced = false
                break
            }
            try layout.quarantine(target, as: "\(digest)")
            findings.append(
                Finding(
                    "healed", "the file that was there is damaged: it is in the quarantine now", object: "\(digest)"))
        }
        try Folder.flush(folder)
        try Folder.flush(layout.objects)
        return (isPlaced, findings)
    }
}
