import Diagnostics
import JSON

/// The manifest of one object: its config, and its container as the one layer, as it is.
struct ImageManifest {
    var config: ImageDescriptor
    var container: ImageDescriptor
    /// When it was made, as RFC 3339 has it; nil for nothing said, which makes the same bytes every time.
    var created: String?

    var bytes: [UInt8] {
        var object = JSONObject()
        object["schemaVersion"] = JSONValue(ImageLayout.schemaVersion)
        object["mediaType"] = .string(ImageLayout.MediaType.manifest)
        object["artifactType"] = .string(ImageLayout.MediaType.artifact)
        object["config"] = config.document
        object["layers"] = [container.document]
        object["annotations"] = created.map { .pairs([(ImageLayout.Annotation.created, $0)]) }
        return JSONWriter.bytes(of: .object(object), .compact)
    }
}

extension ImageManifest {
    /// Reads one; throws ``Failure/Code/importRejected`` for what is none of Tenon's.
    ///
    /// - Parameters:
    ///   - place: What it is called in messages.
    ///   - path: The layout.
    init(_ document: JSONObject, in place: String, path: String) throws(Failure) {
        try Self.check(document, mediaType: ImageLayout.MediaType.manifest, foreign: ["manifests"], place, path)
        config = try ImageDescriptor(document["config"], in: place, path: path)
        try Self.check(config.mediaType, is: ImageLayout.MediaType.config, place, path)
        if let type = document["artifactType"] {
            try Self.check(type.string ?? "", is: ImageLayout.MediaType.artifact, place, path)
        }
        guard let layers = document["layers"]?.array, layers.count == 1 else {
            throw Failure.importRejected(
                "a manifest has not one layer", path: path, object: place, expected: "1",
                actual: "\(document["layers"]?.array?.count ?? 0)")
        }
        container = try ImageDescriptor(layers[0], in: place, path: path)
        try Self.check(container.mediaType, is: ImageLayout.MediaType.container, place, path)
    }

    /// Refuses a document that says to be of another kind, or could be read as one: what it is must not depend on who asks
    /// (CVE-2021-41190).
    static func check(
        _ document: JSONObject, mediaType: String, foreign: [String], _ place: String, _ path: String
    ) throws(Failure) {
        guard document["schemaVersion"]?.int == ImageLayout.schemaVersion else {
            throw Failure.importRejected(
                "a manifest or index is of another schema", path: path, object: place,
                expected: "schemaVersion \(ImageLayout.schemaVersion)")
        }
        if let said = document["mediaType"], said.string != mediaType {
            throw Failure.importRejected(
                "a manifest or index says to be something else than what points at it does", path: path, object: place,
                expected: mediaType, actual: said.string ?? said.kind.rawValue)
        }
        for key in foreign + ["fsLayers", "history"] where document[key] != nil {
            throw Failure.importRejected(
                "a manifest or index could be read as something else, too", path: path, object: place, actual: key)
        }
    }

    private static func check(
        _ said: String, is expected: String, _ place: String, _ path: String
    ) throws(Failure) {
        guard said != expected else { return }
        throw Failure.importRejected(
            "this is something else than an adapter or a checkpoint of tenon's", path: path, object: place,
            expected: expected, actual: said, hint: "`tenon store export` writes layouts that can be imported")
    }
}
