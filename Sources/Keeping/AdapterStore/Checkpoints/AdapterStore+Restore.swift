package import Checkpoints
package import DeltaAlgebra
import DeltaFormat
package import Diagnostics
import Digests
import Files
package import Parallelism

/// How whole checkpoints come out.
extension AdapterStore {
    /// Where a checkpoint goes, and how.
    package struct Restoration: Sendable {
        package var output: String
        package var replaces = false
        package var isDryRun = false
        package var lanes: Lanes

        package init(to output: String, lanes: Lanes) {
            self.output = output
            self.lanes = lanes
        }
    }

    /// Writes the files of the checkpoint that an object gives back, all digests compared before they appear.
    package func restore(_ object: StoredObject, _ restoration: Restoration) throws(Failure) -> ApplyJob.Report {
        try apply(object, onto: base(of: object).checkpoint, restoration)
    }

    /// Writes the checkpoint that becomes of a base with an adapter put onto it.
    ///
    /// - Parameter named: The base; nil for the one that the adapter is bound to.
    package func merge(
        _ object: StoredObject, onto named: ObjectReference?, _ restoration: Restoration
    ) throws(Failure) -> ApplyJob.Report {
        if let named { return try apply(object, onto: checkpoint(of: self.object(named)), restoration) }
        guard object.baseRoot != nil else {
            throw Failure(
                .usage, "the adapter is bound to no base", object: "\(object.digest)", path: path,
                hint: "name one that is in the store with --base")
        }
        return try apply(object, onto: base(of: object).checkpoint, restoration)
    }

    private func apply(
        _ object: StoredObject, onto base: Checkpoint, _ restoration: Restoration
    ) throws(Failure) -> ApplyJob.Report {
        let container = try Container(try open(object))
        var job = ApplyJob(lanes: restoration.lanes)
        job.replaces = restoration.replaces
        job.isDryRun = restoration.isDryRun
        let adapter = WeightedAdapter(
            container.adapter, contentDigest: container.unboundContentDigest, path: container.file.path, weight: 1)
        return try job.run([adapter], onto: base, output: restoration.output)
    }

    // MARK: Reading where it is

    /// A checkpoint with the tensors of another is a delta of it, and that one may be a delta itself: more is a fault.
    private static let mostLinks = 8

    /// The checkpoint that an object gives back, read from the store as it is asked for.
    ///
    /// Throws ``Failure/Code/notFound`` where what it was taken from is not in the store.
    package func checkpoint(of object: StoredObject) throws(Failure) -> Checkpoint {
        try held(by: object).checkpoint
    }

    /// A checkpoint in the store, and its fingerprint as far as the objects that it is read from state it.
    typealias HeldCheckpoint = (checkpoint: Checkpoint, fingerprint: BaseFingerprint?)

    /// - Parameter links: How many others are made on it, one on the other.
    func held(by object: StoredObject, links: Int = 0) throws(Failure) -> HeldCheckpoint {
        try held(in: Container(try open(object)), links: links)
    }

    /// The checkpoint that a container gives back, which need not be in the store yet.
    ///
    /// - Parameter staged: Containers that are not in the store yet either, by the roots of what they give back.
    func held(
        in container: Container, links: Int = 0, beside staged: [Digest: String] = [:]
    ) throws(Failure) -> HeldCheckpoint {
        let base = try base(of: container, links: links, beside: staged)
        let checkpoint = try Checkpoint(ResultFolder(container, onto: base.checkpoint))
        let fingerprint = base.fingerprint.flatMap {
            BaseFingerprint(of: checkpoint, by: container, from: base.checkpoint, $0)
        }
        return (checkpoint, fingerprint)
    }

    /// What is told from nothing is told from a checkpoint without tensors.
    static func nothing() throws(Failure) -> HeldCheckpoint {
        let nothing = try Checkpoint.nothing()
        return (nothing, BaseFingerprint(of: nothing, leaves: []))
    }

    private func base(of object: StoredObject) throws(Failure) -> HeldCheckpoint {
        try base(of: Container(try open(object)), links: 0, beside: [:])
    }

    private func base(
        of container: Container, links: Int, beside staged: [Digest: String]
    ) throws(Failure) -> HeldCheckpoint {
        let object = ObjectFacts(container)
        guard let root = object.baseRoot else { return try Self.nothing() }
        if links < Self.mostLinks, let path = staged[root] {
            let base = try Container(InputFile(path: path))
            if base.indexDigest != object.digest { return try held(in: base, links: links + 1, beside: staged) }
        }
        guard links < Self.mostLinks, let base = try original(resultingIn: root), base.digest != object.digest else {
            throw Failure(
                .notFound, "what the object was made on is not in the store", object: "\(object.digest)", path: path,
                expected: "a checkpoint of root \(root)", hint: "add it: tenon store add MODEL")
        }
        return try held(by: base, links: links + 1)
    }

    /// The object whose result has this root and that does not itself depend on one of the same root.
    func original(resultingIn root: Digest) throws(Failure) -> StoredObject? {
        try objects(resultingIn: root).first { $0.baseRoot != root }
    }
}
