import DeltaFormat
package import Diagnostics
import Digests
import Files
import JSON
package import Parallelism

/// What is to be imported, and how.
package struct LayoutImport: Sendable {
    /// An OCI image layout: a folder, or a tar of one.
    package var source: String
    /// Put before every name.
    package var namePrefix = ""
    /// Whether names that stand for something else are given to what is imported, and what the store says of objects that it
    /// has gives way to what the layout says.
    package var replaces = false
    package var lanes: Lanes

    package init(source: String, lanes: Lanes) {
        self.source = source
        self.lanes = lanes
    }
}

/// What became of an import.
package struct LayoutImportReport: Sendable {
    package struct Item: Sendable {
        package let object: StoredObject
        package let names: [StoreName]
        /// Whether the store did not have it before.
        package let isNew: Bool
    }

    /// In the order of the layout's index.
    package let items: [Item]
    package let findings: [Finding]
}

extension AdapterStore {
    /// Puts all that an image layout holds into the store, in one operation: when this returns, all objects and names are on
    /// the medium; when it throws, the store is as it was.
    ///
    /// Throws ``Failure/Code/importRejected`` and ``Failure/Code/digestMismatch`` for a layout that is not what it should be,
    /// ``Failure/Code/outputExists`` where a name stands for another object.
    package func importLayout(_ request: LayoutImport) throws(Failure) -> LayoutImportReport {
        let (staging, images) = try prepare(request)
        return try withExtendedLifetime(staging) { () throws(Failure) in try put(images, request) }
    }

    /// What ``importLayout(_:)`` would come to; throws what that would, and leaves nothing behind.
    package func considerImport(_ request: LayoutImport) throws(Failure) -> LayoutImportReport {
        let (staging, images) = try prepare(request)
        return try withExtendedLifetime(staging) { () throws(Failure) in
            var items: [LayoutImportReport.Item] = []
            for image in images {
                let there = try known(image.facts.digest)
                let object = StoredObject(
                    image.facts, inputBytes: image.config.inputBytes, origin: image.config.origin, added: image.added)
                items.append(
                    LayoutImportReport.Item(object: there ?? object, names: image.names, isNew: there == nil))
            }
            return LayoutImportReport(items: items, findings: try missingBases(of: images))
        }
    }

    // MARK: Reading

    /// An object of the layout whose container lies in the staging, verified in full.
    private struct StagedImage {
        let path: String
        let facts: ObjectFacts
        let added: Int64
        let blob: Digest
        let config: DeltaConfig
        let names: [StoreName]
    }

    private func prepare(_ request: LayoutImport) throws(Failure) -> (Staging, [StagedImage]) {
        let files = try LayoutPlace.files(at: request.source)
        let items = try LayoutReader.items(of: files)
        let staging = try stage()
        var images: [StagedImage] = []
        var objects: Set<Digest> = []
        var named: [StoreName: String] = [:]
        for item in items {
            let names = try storeNames(of: item, request)
            for name in names {
                if let other = named.updateValue(item.place, forKey: name) {
                    throw Failure.importRejected(
                        "a name stands for two objects", path: files.path, object: "\(name)", expected: other,
                        actual: item.place)
                }
            }
            let path = staging.place(of: "\(images.count).tenon")
            let image = try stage(item, names, of: files, to: path, lanes: request.lanes)
            guard objects.insert(image.facts.digest).inserted else {
                throw Failure.importRejected(
                    "the layout holds an object twice and says different things of it", path: files.path,
                    object: item.place)
            }
            try checkFree(names, for: image.facts.digest, replaces: request.replaces)
            images.append(image)
        }
        try prove(images, in: files, lanes: request.lanes)
        // A line of the reflog that is too long could not be read back.
        let line = line(of: images, generation: .max, time: .max) { image in image.config }
        guard line.text.utf8.count <= JSONLimits.byteCount else {
            throw Failure.importRejected(
                "the layout holds too much for one operation", path: files.path,
                expected: "at most \(JSONLimits.byteCount) bytes of names and metadata", hint: "import it in parts")
        }
        return (staging, images)
    }

    private func storeNames(of item: LayoutItem, _ request: LayoutImport) throws(Failure) -> [StoreName] {
        var names: [StoreName] = []
        for text in item.names {
            do throws(Failure) {
                let name = try StoreName(request.namePrefix + text)
                if !names.contains(name) { names.append(name) }
            } catch {
                throw error.rejecting("a name in the layout is none for the store", path: request.source)
            }
        }
        return names
    }

    /// Copies a container out of the layout and looks at all of it.
    private func stage(
        _ item: LayoutItem, _ names: [StoreName], of files: any LayoutFiles, to path: String, lanes: Lanes
    ) throws(Failure) -> StagedImage {
        let name = ImageLayout.blob(item.container.digest)
        let blob = try files.file(named: name)
        try LayoutBlob.check(blob, name, is: item.container, in: files.path)
        var hash = SHA256()
        let target = try OutputFile.create(at: path, replacing: false)
        try target.reserve(byteCount: blob.size)
        try BlockCopy.copy(blob, to: target) { hash.update($0) }
        try LayoutBlob.check(hash.finish(), name, is: item.container.digest, in: files.path)
        try target.commit()
        let file = try InputFile(path: path)
        do throws(Failure) {
            let container = try Container(file)
            try Self.verify(file, lanes: lanes)
            let facts = ObjectFacts(container)
            try item.config.check(against: facts, in: item.place, path: files.path)
            return StagedImage(
                path: path, facts: facts, added: file.identity.modified, blob: item.container.digest,
                config: item.config, names: names)
        } catch {
            throw error.rejecting("a container in the layout is damaged", path: files.path, object: name)
        }
    }

    /// Refuses checkpoints that are not what they state, as far as what they are made on is at hand.
    private func prove(_ images: [StagedImage], in files: any LayoutFiles, lanes: Lanes) throws(Failure) {
        var staged: [Digest: String] = [:]
        for image in images where image.facts.baseRoot != image.facts.resultRoot {
            if let root = image.facts.resultRoot { staged[root] = image.path }
        }
        for image in images {
            do throws(Failure) {
                try prove(Container(InputFile(path: image.path)), beside: staged, lanes: lanes)
            } catch {
                throw error.rejecting(
                    "a container in the layout is not what it states", path: files.path,
                    object: ImageLayout.blob(image.blob))
            }
        }
    }

    // MARK: Putting

    private func put(_ images: [StagedImage], _ request: LayoutImport) throws(Failure) -> LayoutImportReport {
        for image in images { try SealedFile.seal(image.path) }
        return try holding(.shared) { () throws(Failure) in
            var findings = try missingBases(of: images)
            for image in images { findings += try place(image.path, image.facts.digest).findings }
            var isNew: [Bool] = []
            let finding = try operate { generation, time throws(Failure) in
                isNew = []
                var said: [Digest: DeltaConfig] = [:]
                for image in images {
                    let there = try known(image.facts.digest)
                    isNew.append(there == nil)
                    said[image.facts.digest] = try words(of: image, there, replaces: request.replaces)
                    try checkFree(image.names, for: image.facts.digest, replaces: request.replaces)
                }
                let line = line(of: images, generation: generation, time: time) { image in
                    said[image.facts.digest] ?? image.config
                }
                for (image, put) in zip(images, line.puts) { try insert(image, put, generation, time) }
                return line
            }
            if let finding { findings.append(finding) }
            var items: [LayoutImportReport.Item] = []
            for (image, isNew) in zip(images, isNew) {
                guard let object = try catalog.object(image.facts.digest) else {
                    throw Failure(
                        .internal, "an object was imported and is not there", object: "\(image.facts.digest)",
                        path: path)
                }
                items.append(LayoutImportReport.Item(object: object, names: image.names, isNew: isNew))
            }
            return LayoutImportReport(items: items, findings: findings)
        }
    }

    /// The object of that digest, if more is known of it than a name.
    private func known(_ digest: Digest) throws(Failure) -> StoredObject? {
        guard let object = try catalog.object(digest), !object.method.isEmpty else { return nil }
        return object
    }

    /// What is said of an object from now on: of one that the store has, its own words go before those of the layout.
    private func words(
        of image: StagedImage, _ there: StoredObject?, replaces: Bool
    ) throws(Failure) -> DeltaConfig {
        guard let there, !replaces else { return image.config }
        let own = try catalog.metadata(of: there.row, onlyUsers: true)
        let known = Set(own.map(\.key))
        let new = image.config.metadata.filter { !known.contains($0.key) }
        // What came in as a container leaves the rest as it was.
        return DeltaConfig(image.facts, inputBytes: image.facts.storedBytes, origin: "tenon", metadata: new)
    }

    private func line(
        of images: [StagedImage], generation: Int, time: Int64, _ words: (StagedImage) -> DeltaConfig
    ) -> ReflogLine {
        ReflogLine(
            generation: generation, time: time,
            putting: images.map { (ReflogLine.Put(object: $0.facts.digest, words($0)), $0.names) })
    }

    private func insert(
        _ image: StagedImage, _ put: ReflogLine.Put, _ generation: Int, _ time: Int64
    ) throws(Failure) {
        let row = try catalog.insert(
            image.facts, inputBytes: put.inputBytes, origin: put.origin, added: image.added, used: time,
            check: (.full, time))
        try catalog.setBlob(image.blob, of: image.facts.digest)
        for name in image.names { try catalog.set(name, to: row, generation: generation, at: time) }
        for pair in put.metadata { try catalog.insert(pair.key, pair.value, of: row, isUsers: true) }
    }

    // MARK: Telling

    /// Tells of the checkpoints among `images` that cannot be had yet, for what they are made on is neither there nor among
    /// them.
    private func missingBases(of images: [StagedImage]) throws(Failure) -> [Finding] {
        let brought = Set(images.filter { $0.facts.baseRoot != $0.facts.resultRoot }.compactMap(\.facts.resultRoot))
        var findings: [Finding] = []
        for image in images where image.facts.sort == .checkpoint {
            guard let root = image.facts.baseRoot, !brought.contains(root), try original(resultingIn: root) == nil
            else { continue }
            findings.append(
                Finding(
                    "base-missing", "it is made on a checkpoint of root \(root), which is not in the store",
                    object: image.names.first.map { "\($0)" } ?? "\(image.facts.digest)"))
        }
        return findings
    }
}
