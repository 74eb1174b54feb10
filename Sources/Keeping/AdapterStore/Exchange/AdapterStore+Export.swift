import DeltaFormat
package import Diagnostics
package import Digests
import Files
import JSON
import Packaging
package import Parallelism

/// What is to be exported, and where to.
package struct LayoutExport: Sendable {
    /// A name, or the beginning of a digest, which stands for the object under all of its names.
    package var references: [ObjectReference] = []
    /// Everything that has a name.
    package var isOfAll = false
    /// Whether the checkpoints that deltas are made on go along.
    package var hasBases = true
    /// A folder, or a tar where the name ends in `.tar`.
    package var output: String
    package var replaces = false
    package var isDryRun = false
    package var lanes: Lanes

    package init(to output: String, lanes: Lanes) {
        self.output = output
        self.lanes = lanes
    }
}

/// What became of an export.
package struct LayoutExportReport: Sendable {
    package struct Item: Sendable {
        package let object: StoredObject
        package let names: [StoreName]
        /// Whether it goes along only because another is made on it.
        package let isBase: Bool
        /// Nil for a dry run.
        package let manifest: Digest?
        /// The SHA-256 of its container; nil where a dry run did not find it known.
        package let blob: Digest?
    }

    package let items: [Item]
    /// Of all containers.
    package var byteCount: Int { items.reduce(0) { $0 + $1.object.storedBytes } }
}

extension AdapterStore {
    /// Writes objects as an OCI image layout, with what they are made on. The same objects under the same names, of which the
    /// same is known, make the same bytes.
    ///
    /// Throws ``Failure/Code/notFound`` where a name is none, or what a checkpoint is made on is not in the store;
    /// ``Failure/Code/objectDamaged`` for a container that is not what was put.
    package func export(_ export: LayoutExport) throws(Failure) -> LayoutExportReport {
        let selection = try catalog.connection.reading { () throws(Failure) in
            try ExportSelection(export, from: self)
        }
        try checkOutside(export.output)
        let count = selection.entries.reduce(0) { $0 + max(1, $1.names.count) }
        guard count <= ImageLayout.mostDescriptors else {
            throw Self.tooMuch(export.output, "\(ImageLayout.mostDescriptors) names", "\(count)")
        }
        guard !export.isDryRun else {
            try Outputs.checkFree(export.output, replaces: export.replaces)
            return LayoutExportReport(
                items: selection.entries.map { $0.item(manifest: nil, blob: $0.object.blob) })
        }
        let created = try SourceDate.text()
        let output = try LayoutOutput.create(at: export.output, replacing: export.replaces)
        var prepared: [PreparedImage] = []
        for entry in selection.entries {
            prepared.append(try prepare(entry, created: created, lanes: export.lanes))
        }
        try checkImportable(prepared, export.output)
        try write(prepared, to: output)
        try output.commit()
        return LayoutExportReport(
            items: prepared.map { $0.entry.item(manifest: $0.manifestDigest, blob: $0.container) })
    }

    private struct PreparedImage {
        let entry: ExportSelection.Entry
        let container: Digest
        let said: DeltaConfig
        let config: [UInt8]
        let manifest: [UInt8]
        let configDigest: Digest
        let manifestDigest: Digest
    }

    /// Makes config and manifest of an object, for which the digest of its file must be known.
    private func prepare(
        _ entry: ExportSelection.Entry, created: String?, lanes: Lanes
    ) throws(Failure) -> PreparedImage {
        let object = entry.object
        let file = try open(object)
        let blob: Digest
        if let known = object.blob {
            blob = known
        } else {
            try Self.verify(file, lanes: lanes)
            blob = try BlobDigest.of(file)
            // Only to be faster the next time: a store that cannot be written to can be exported as well.
            try? catalog.connection.transaction { () throws(Failure) in try catalog.setBlob(blob, of: object.digest) }
        }
        let said = DeltaConfig(
            ObjectFacts(try Container(file)), inputBytes: object.inputBytes, origin: object.origin,
            metadata: try catalog.metadata(of: object.row, onlyUsers: true))
        let config = said.bytes
        let configDigest = SHA256.hash(config)
        let manifest = ImageManifest(
            config: ImageDescriptor(
                mediaType: ImageLayout.MediaType.config, digest: configDigest, size: config.count),
            container: ImageDescriptor(
                mediaType: ImageLayout.MediaType.container, digest: blob, size: file.size,
                annotations: [(ImageLayout.Annotation.title, "\(object.digest).tenon")]),
            created: created
        ).bytes
        return PreparedImage(
            entry: entry, container: blob, said: said, config: config, manifest: manifest, configDigest: configDigest,
            manifestDigest: SHA256.hash(manifest))
    }

    /// Refuses to write what no import would take: that is one line of the reflog.
    private func checkImportable(_ images: [PreparedImage], _ output: String) throws(Failure) {
        if let most = images.map(\.said.metadata.count).max(), most > DeltaConfig.mostPairs {
            throw Self.tooMuch(output, "\(DeltaConfig.mostPairs) pairs of metadata each", "\(most)")
        }
        let line = ReflogLine(
            generation: .max, time: .max,
            putting: images.map { (ReflogLine.Put(object: $0.entry.object.digest, $0.said), $0.entry.names) })
        guard line.text.utf8.count <= ReflogLine.longest else {
            throw Self.tooMuch(output, "\(ReflogLine.longest) bytes of names and metadata", "\(line.text.utf8.count)")
        }
    }

    private static func tooMuch(_ output: String, _ most: String, _ found: String) -> Failure {
        Failure(
            .usage, "a layout cannot hold that much", path: output, expected: "at most \(most)", actual: found,
            hint: "export it in parts")
    }

    /// Writes all files in the order of their names.
    private func write(_ images: [PreparedImage], to output: LayoutOutput) throws(Failure) {
        var documents: [Digest: [UInt8]] = [:]
        var containers: [Digest: StoredObject] = [:]
        for image in images {
            documents[image.configDigest] = image.config
            documents[image.manifestDigest] = image.manifest
            containers[image.container] = image.entry.object
        }
        let blobs = (Array(documents.keys) + containers.keys).sorted { "\($0)".precedesInBytes("\($1)") }
        for digest in blobs {
            let name = ImageLayout.blob(digest)
            if let bytes = documents[digest] {
                try output.add(name, bytes)
            } else if let object = containers[digest], try output.add(name, copying: open(object)) != digest {
                throw damaged(object, "its bytes are not those whose digest is known")
            }
        }
        var descriptors: [(order: String, document: JSONValue)] = []
        for image in images {
            let descriptor = ImageDescriptor(
                mediaType: ImageLayout.MediaType.manifest, digest: image.manifestDigest, size: image.manifest.count,
                artifactType: ImageLayout.MediaType.artifact)
            descriptors += image.entry.descriptors(descriptor)
        }
        descriptors.sort { $0.order.precedesInBytes($1.order) }
        try output.add(ImageLayout.index, ImageIndex.bytes(of: descriptors.map(\.document)))
        try output.add(ImageLayout.marker, ImageIndex.markerBytes)
    }
}
