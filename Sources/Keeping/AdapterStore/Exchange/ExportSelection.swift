import Diagnostics
import Digests
import JSON

/// Which objects an export takes along, and under which names.
struct ExportSelection {
    struct Entry {
        let object: StoredObject
        fileprivate(set) var names: [StoreName]
        /// Whether it goes along only because another is made on it.
        fileprivate(set) var isBase: Bool

        func item(manifest: Digest?, blob: Digest?) -> LayoutExportReport.Item {
            LayoutExportReport.Item(object: object, names: names, isBase: isBase, manifest: manifest, blob: blob)
        }

        /// One for each name, or one that says why it is there; those with names come first when they are sorted by `order`.
        func descriptors(_ plain: ImageDescriptor) -> [(order: String, document: JSONValue)] {
            if !names.isEmpty {
                return names.map { name in
                    var descriptor = plain
                    descriptor.annotations = [(ImageLayout.Annotation.name, "\(name)")]
                    return ("0 \(name)", descriptor.document)
                }
            }
            var descriptor = plain
            if isBase { descriptor.annotations = [(ImageLayout.Annotation.role, ImageLayout.baseRole)] }
            return [("1 \(plain.digest)", descriptor.document)]
        }
    }

    /// In the order of the digests.
    let entries: [Entry]

    init(_ export: LayoutExport, from store: AdapterStore) throws(Failure) {
        var chosen: [Digest: Entry] = [:]
        func add(_ object: StoredObject, _ names: [StoreName], isBase: Bool = false) {
            var entry = chosen[object.digest] ?? Entry(object: object, names: [], isBase: isBase)
            entry.isBase = entry.isBase && isBase
            for name in names where !entry.names.contains(name) { entry.names.append(name) }
            entry.names.sort { "\($0)".precedesInBytes("\($1)") }
            chosen[object.digest] = entry
        }
        if export.isOfAll {
            for (name, digest) in try store.catalog.names() {
                guard let object = try store.catalog.object(digest) else { continue }
                add(object, [name])
            }
        }
        for reference in export.references {
            let (object, name) = try store.named(reference)
            if let name { add(object, [name]) } else { add(object, try store.names(of: object)) }
        }
        var rest = export.hasBases ? chosen.values.map(\.object) : []
        while let object = rest.popLast() {
            guard let base = try store.needed(by: object), chosen[base.digest] == nil else { continue }
            add(base, [], isBase: true)
            rest.append(base)
        }
        entries = chosen.values.sorted { "\($0.object.digest)".precedesInBytes("\($1.object.digest)") }
    }
}

extension AdapterStore {
    /// The object that a reference names, and its name where that was what named it.
    fileprivate func named(_ reference: ObjectReference) throws(Failure) -> (StoredObject, StoreName?) {
        switch reference {
        case .digest: return (try object(reference), nil)
        case .name(let name): return (try object(reference), name)
        case .either(let name, _):
            let found = try object(reference)
            return (found, try catalog.object(named: name) == nil ? nil : name)
        }
    }

    /// The object that gives back what a delta is made on; nil for one that needs none, and where it was no checkpoint of the
    /// store's.
    fileprivate func needed(by object: StoredObject) throws(Failure) -> StoredObject? {
        guard object.method == "delta", let root = object.baseRoot else { return nil }
        let base = try original(resultingIn: root)
        if let base, base.state == .whole, base.digest != object.digest { return base }
        guard object.sort == .checkpoint else { return nil }
        throw Failure(
            .notFound, "what the object was made on is not in the store", object: "\(object.digest)", path: path,
            expected: "a checkpoint of root \(root)", hint: "add it, or export without: --no-bases")
    }
}

/// The files of a layout that are no blobs.
enum ImageIndex {
    static func bytes(of descriptors: [JSONValue]) -> [UInt8] {
        var object = JSONObject()
        object["schemaVersion"] = JSONValue(ImageLayout.schemaVersion)
        object["mediaType"] = .string(ImageLayout.MediaType.index)
        object["manifests"] = .array(descriptors)
        return JSONWriter.bytes(of: .object(object), .compact)
    }

    static var markerBytes: [UInt8] {
        JSONWriter.bytes(of: ["imageLayoutVersion": .string(ImageLayout.version)], .compact)
    }
}
