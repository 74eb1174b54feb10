import DeltaFormat
import Diagnostics
import Digests
import Files
import Packaging
import Parallelism

/// Looks at the file of one object.
struct Examination {
    enum Outcome {
        case whole(ObjectFacts)
        /// The first look failed, as told, and the second did not: a matter of the machine, not of the file.
        case wholeAtSecondLook(ObjectFacts, first: Failure)
        case damaged(Failure)
    }

    let level: CheckLevel
    let lanes: Lanes

    /// Throws only where looking itself is stopped.
    func look(at path: String, of digest: Digest) throws(Failure) -> Outcome {
        let first: Failure
        do throws(Failure) {
            return .whole(try read(path, digest))
        } catch {
            try Cancellation.check()
            first = error
        }
        do throws(Failure) {
            return .wholeAtSecondLook(try read(path, digest), first: first)
        } catch {
            try Cancellation.check()
            guard !Self.isOfTheReader(error) else { throw error }
            return .damaged(error)
        }
    }

    /// Whether a failure says nothing of the file.
    private static func isOfTheReader(_ failure: Failure) -> Bool {
        failure.code.status == .permission || failure.code == .outOfMemory
    }

    private func read(_ path: String, _ digest: Digest) throws(Failure) -> ObjectFacts {
        let file = try InputFile(path: path)
        let container = try Container(file)
        guard container.indexDigest == digest else {
            throw Failure(
                .objectDamaged, "the file is another container", path: path, expected: "\(digest)",
                actual: "\(container.indexDigest)")
        }
        let depth: VerificationLevel =
            switch level {
            case .catalog, .structure: .structure
            case .quick: .quick
            case .full, .bases: .full
            }
        let verification = Verification.run(on: file, level: depth, values: false, lanes: lanes)
        if let failure = verification.failure { throw failure }
        return ObjectFacts(container)
    }
}

extension ObjectFacts {
    /// Whether the catalog says the same of the object.
    func agrees(with object: StoredObject) -> Bool {
        digest == object.digest && content == object.content && sort == object.sort && method == object.method
            && rank == object.rank && parameterCount == object.parameterCount && storedBytes == object.storedBytes
            && logicalBytes == object.logicalBytes && baseRoot == object.baseRoot && resultRoot == object.resultRoot
    }
}
