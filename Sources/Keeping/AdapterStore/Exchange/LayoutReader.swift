package import Diagnostics
package import Digests
import Files
import JSON

/// An object as a layout has it: not read yet but for its manifest and config.
package struct LayoutItem {
    package let manifest: Digest
    let config: DeltaConfig
    let container: ImageDescriptor
    /// What it is called, as the descriptors have it.
    package fileprivate(set) var names: [String] = []

    /// What messages call it.
    var place: String { names.first ?? "sha256:\(manifest)" }
}

/// Walks from `index.json` to every manifest of a layout, and verifies the size and the digest of each document on the way.
package struct LayoutReader {
    private let files: any LayoutFiles
    private var items: [LayoutItem] = []
    /// Where each manifest is among the items, and its size.
    private var places: [Digest: (index: Int, size: Int)] = [:]
    private var descriptorCount = 0
    private var byteCount = 0

    private init(_ files: any LayoutFiles) {
        self.files = files
    }

    /// Every object that the layout holds, in the order of its index.
    ///
    /// Throws ``Failure/Code/importRejected`` for what is no layout of Tenon's, and ``Failure/Code/digestMismatch`` for a
    /// document that is not the one that was pointed at.
    package static func items(of files: any LayoutFiles) throws(Failure) -> [LayoutItem] {
        var reader = LayoutReader(files)
        let marker = try reader.document(ImageLayout.marker)
        guard marker["imageLayoutVersion"]?.string == ImageLayout.version else {
            throw Failure.importRejected(
                "the layout is of another version", path: files.path, object: ImageLayout.marker,
                expected: ImageLayout.version, actual: marker["imageLayoutVersion"]?.string)
        }
        let descriptors = try reader.descriptors(of: reader.document(ImageLayout.index), ImageLayout.index)
        try reader.walk(descriptors, ImageLayout.index, depth: 1)
        guard !reader.items.isEmpty else {
            throw Failure.importRejected("the layout holds nothing", path: files.path, object: ImageLayout.index)
        }
        return reader.items
    }

    // MARK: Walking

    /// What an index lists. Nothing else of it is held while what it lists is looked at.
    private mutating func descriptors(
        of index: JSONObject, _ place: String
    ) throws(Failure) -> [ImageDescriptor] {
        try ImageManifest.check(
            index, mediaType: ImageLayout.MediaType.index, foreign: ["layers", "config"], place, files.path)
        guard let list = index["manifests"]?.array else {
            throw Failure.importRejected("an index lists no manifests", path: files.path, object: place)
        }
        descriptorCount += list.count
        guard descriptorCount <= ImageLayout.mostDescriptors else {
            throw Failure.importRejected(
                "the layout lists too many manifests", path: files.path, object: place,
                expected: "at most \(ImageLayout.mostDescriptors)", hint: "import it in parts")
        }
        var descriptors: [ImageDescriptor] = []
        for entry in list { descriptors.append(try ImageDescriptor(entry, in: place, path: files.path)) }
        return descriptors
    }

    private mutating func walk(_ descriptors: [ImageDescriptor], _ place: String, depth: Int) throws(Failure) {
        for descriptor in descriptors {
            try Cancellation.check()
            switch descriptor.mediaType {
            case ImageLayout.MediaType.manifest: try take(descriptor)
            case ImageLayout.MediaType.index:
                guard depth < ImageLayout.mostDepth else {
                    throw Failure.importRejected(
                        "indexes lie too deep within each other", path: files.path, object: place,
                        expected: "at most \(ImageLayout.mostDepth)")
                }
                guard descriptor.annotation(ImageLayout.Annotation.name) == nil else {
                    throw Failure.importRejected(
                        "a name stands for a list of manifests", path: files.path, object: place,
                        actual: descriptor.annotation(ImageLayout.Annotation.name))
                }
                let inner = ImageLayout.blob(descriptor.digest)
                try walk(self.descriptors(of: document(inner, descriptor), inner), inner, depth: depth + 1)
            default:
                throw Failure.importRejected(
                    "the layout holds something else than adapters and checkpoints of tenon's", path: files.path,
                    object: place, expected: ImageLayout.MediaType.manifest, actual: descriptor.mediaType,
                    hint: "`tenon store export` writes layouts that can be imported")
            }
        }
    }

    /// Takes in a manifest, or another name of one that is known.
    private mutating func take(_ descriptor: ImageDescriptor) throws(Failure) {
        let name = descriptor.annotation(ImageLayout.Annotation.name)
        if places[descriptor.digest] == nil {
            let (document, place) = try document(descriptor)
            let manifest = try ImageManifest(document, in: place, path: files.path)
            let (config, configPlace) = try self.document(manifest.config)
            places[descriptor.digest] = (items.count, descriptor.size)
            items.append(
                LayoutItem(
                    manifest: descriptor.digest,
                    config: try DeltaConfig(config, in: configPlace, path: files.path),
                    container: manifest.container))
        }
        guard let place = places[descriptor.digest] else { return }
        guard place.size == descriptor.size else {
            throw LayoutBlob.wrongSize(
                ImageLayout.blob(descriptor.digest), place.size, descriptor.size, in: files.path)
        }
        if let name, !items[place.index].names.contains(name) { items[place.index].names.append(name) }
    }

    // MARK: Documents

    private mutating func document(
        _ descriptor: ImageDescriptor
    ) throws(Failure) -> (document: JSONObject, place: String) {
        let place = ImageLayout.blob(descriptor.digest)
        return (try document(place, descriptor), place)
    }

    private mutating func document(
        _ name: String, _ descriptor: ImageDescriptor? = nil
    ) throws(Failure) -> JSONObject {
        let file = try files.file(named: name)
        try LayoutBlob.check(file, name, is: descriptor, in: files.path)
        byteCount += min(file.size, ImageLayout.mostBytesOfDocuments)
        guard file.size <= ImageLayout.mostDocumentBytes, byteCount <= ImageLayout.mostBytesOfDocuments else {
            throw Failure.importRejected(
                "the layout's documents are too large", path: files.path, object: name,
                expected: "at most \(ImageLayout.mostDocumentBytes) bytes", actual: "\(file.size)")
        }
        let bytes = try file.read(at: 0, count: file.size)
        if let descriptor { try LayoutBlob.check(SHA256.hash(bytes), name, is: descriptor.digest, in: files.path) }
        do throws(Failure) {
            let value = try JSONValue.parse(bytes, path: file.path, limit: ImageLayout.mostDocumentBytes)
            if let object = value.object { return object }
        } catch {
            throw error.rejecting("a document of the layout is malformed", path: files.path, object: name)
        }
        throw Failure.importRejected("a document of the layout is no object", path: files.path, object: name)
    }
}

/// Whether a blob is the one that was pointed at.
enum LayoutBlob {
    static func check(
        _ file: any FileContent, _ name: String, is descriptor: ImageDescriptor?, in path: String
    ) throws(Failure) {
        guard let descriptor, file.size != descriptor.size else { return }
        throw wrongSize(name, file.size, descriptor.size, in: path)
    }

    static func wrongSize(_ name: String, _ size: Int, _ expected: Int, in path: String) -> Failure {
        .importRejected(
            "a blob has another size", path: path, object: name, expected: "\(expected) bytes", actual: "\(size)")
    }

    static func check(_ digest: Digest, _ name: String, is expected: Digest, in path: String) throws(Failure) {
        guard digest != expected else { return }
        throw Failure(
            .digestMismatch, "a blob is not the one that was pointed at", object: name, path: path,
            expected: "\(expected)", actual: "\(digest)", hint: "get the layout once more; nothing was imported")
    }
}
