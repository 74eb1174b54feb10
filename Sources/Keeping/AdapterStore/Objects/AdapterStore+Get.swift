import DeltaFormat
package import Diagnostics
package import Files
import Packaging
package import Parallelism

extension AdapterStore {
    /// Opens the file of the object that `reference` names; it can be read to its end even where the object is removed
    /// meanwhile.
    ///
    /// Throws ``Failure/Code/objectDamaged`` where the file is missing or not the one that was put.
    package func open(_ reference: ObjectReference) throws(Failure) -> (object: StoredObject, file: InputFile) {
        let found = try object(reference)
        do throws(Failure) {
            return (found, try open(found))
        } catch {
            // It may have been collected, and put again, since it was looked up.
            let now = try object(reference)
            return (now, try open(now))
        }
    }

    /// Opens the file of an object.
    package func open(_ object: StoredObject) throws(Failure) -> InputFile {
        let path = layout.object(object.digest)
        guard try Folder.kind(of: path) == .file else { throw damaged(object, "its file is not there") }
        let file = try InputFile(path: path)
        guard file.size == object.storedBytes, object.state != .damaged else {
            throw damaged(object, object.state == .damaged ? "a check found it damaged" : "its file has another size")
        }
        do throws(Failure) {
            let container = try Container(file)
            guard container.indexDigest == object.digest else { throw damaged(object, "its file is another container") }
        } catch {
            if error.code == .objectDamaged || error.code.status != .malformed { throw error }
            throw damaged(object, error.description)
        }
        return file
    }

    func damaged(_ object: StoredObject, _ cause: String) -> Failure {
        let path = layout.object(object.digest)
        let isThere = (try? Folder.kind(of: path)) == .file
        return Failure(
            .objectDamaged, "the store's object is \(isThere ? "damaged" : "missing")", object: "\(object.digest)",
            path: path,
            hint: isThere
                ? "`tenon store repair` puts it into the quarantine; add it again to heal it"
                : CheckReport.hintForMissing,
            cause: cause)
    }

    /// Writes the container of an object to `output` (`-` for the standard output), all of it verified before.
    package static func export(
        _ file: InputFile, to output: String, replaces: Bool, lanes: Lanes
    ) throws(Failure) {
        let verification = Verification.run(on: file, level: .full, values: false, lanes: lanes)
        if let failure = verification.failure { throw failure }
        let target =
            output == "-" ? OutputFile.standardOutput() : try OutputFile.create(at: output, replacing: replaces)
        try copy(file, to: target)
        try target.commit()
    }
}
