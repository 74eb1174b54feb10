import Diagnostics
import Digests

/// The words of an OCI image layout (image-spec 1.1, "Image Layout"), and of what lies in one of Tenon's:
/// `Spec/exchange.md`.
enum ImageLayout {
    static let version = "1.0.0"
    static let marker = "oci-layout"
    static let index = "index.json"
    static let schemaVersion = 2

    /// The place of a blob in the layout.
    static func blob(_ digest: Digest) -> String { "blobs/sha256/\(digest)" }

    enum MediaType {
        static let index = "application/vnd.oci.image.index.v1+json"
        static let manifest = "application/vnd.oci.image.manifest.v1+json"
        static let artifact = "application/vnd.tenon.delta.v1"
        static let config = "application/vnd.tenon.delta.config.v1+json"
        static let container = "application/vnd.tenon.delta.container.v1"
    }

    enum Annotation {
        /// What a manifest is called: a name of the store with its tag.
        static let name = "org.opencontainers.image.ref.name"
        static let created = "org.opencontainers.image.created"
        static let title = "org.opencontainers.image.title"
        /// Why a manifest is there that nobody asked for: "base".
        static let role = "vnd.tenon.delta.role"
    }

    static let baseRole = "base"

    // MARK: What a reader takes at most

    /// Of an index, a manifest or a config, as registries have it.
    static let mostDocumentBytes = 4 << 20
    /// Of all of those together.
    static let mostBytesOfDocuments = 16 << 20
    /// How many indexes lie within each other, `index.json` among them.
    static let mostDepth = 4
    /// How many descriptors in all indexes, each counted as often as it is met.
    static let mostDescriptors = 4096
}

extension Failure {
    /// A layout that is not imported.
    static func importRejected(
        _ what: String, path: String, object: String? = nil, offset: Int? = nil, expected: String? = nil,
        actual: String? = nil, hint: String? = nil
    ) -> Failure {
        Failure(
            .importRejected, what, object: object, offset: offset.map { UInt64($0) }, path: path, expected: expected,
            actual: actual, hint: hint ?? "get the layout once more, or have it exported anew; nothing was imported")
    }

    /// What a fault that was found in a layout's file ends the import with.
    func rejecting(_ what: String, path: String, object: String? = nil) -> Failure {
        guard code.status == .malformed || code == .notRegular || code == .notFound,
            code != .importRejected, code != .digestMismatch
        else { return self }
        var failure = Failure.importRejected(what, path: path, object: object)
        failure.cause = description
        return failure
    }
}
