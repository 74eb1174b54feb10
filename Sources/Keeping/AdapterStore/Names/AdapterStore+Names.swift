package import Diagnostics
import Files

/// What became of a change of names.
package struct NameReport: Sendable {
    package let object: StoredObject
    /// Whether a name of the object is left.
    package let isNamed: Bool
    package let findings: [Finding]
}

extension AdapterStore {
    /// Lets `names` stand for the object that `reference` names, too.
    ///
    /// Throws ``Failure/Code/outputExists`` where one of them stands for another object, unless `replaces`.
    package func tag(
        _ reference: ObjectReference, as names: [StoreName], replaces: Bool
    ) throws(Failure) -> NameReport {
        try holding(.shared) { () throws(Failure) in
            var found: StoredObject?
            let finding = try operate { generation, time throws(Failure) in
                let object = try object(reference)
                found = object
                try checkFree(names, for: object.digest, replaces: replaces)
                for name in names { try catalog.set(name, to: object.row, generation: generation, at: time) }
                return ReflogLine(
                    generation: generation, time: time,
                    settings: names.map { ReflogLine.Setting(name: $0, object: object.digest) })
            }
            guard let found else { throw Failure(.internal, "an operation did not run", path: path) }
            return NameReport(object: found, isNamed: true, findings: finding.map { [$0] } ?? [])
        }
    }

    /// Takes a name from its object, which is collected later where that was the last.
    ///
    /// Throws ``Failure/Code/hasDependents`` where that was the last and deltas that are kept are made on the object.
    package func remove(_ name: StoreName) throws(Failure) -> NameReport {
        try holding(.shared) { () throws(Failure) in
            var found: StoredObject?
            var isNamed = false
            let finding = try operate { generation, time throws(Failure) in
                guard let object = try catalog.object(named: name) else { throw notFound(name) }
                found = object
                try catalog.remove(name)
                isNamed = try !catalog.names(of: object.row).isEmpty
                if !isNamed { try checkNotNeeded(object, name) }
                try catalog.touch(object.row, at: time)
                return ReflogLine(
                    generation: generation, time: time, settings: [ReflogLine.Setting(name: name, object: nil)])
            }
            guard let found else { throw Failure(.internal, "an operation did not run", path: path) }
            return NameReport(object: found, isNamed: isNamed, findings: finding.map { [$0] } ?? [])
        }
    }

    private func checkNotNeeded(_ object: StoredObject, _ name: StoreName) throws(Failure) {
        let dependents = try catalog.dependents(of: object.row)
        guard !dependents.isEmpty else { return }
        var words: [String] = []
        for dependent in dependents.prefix(20) {
            let names = try catalog.names(of: dependent.row)
            words.append(names.first.map { "\($0)" } ?? "\(dependent.digest)")
        }
        let more = dependents.count > words.count ? " and \(dependents.count - words.count) more" : ""
        throw Failure(
            .hasDependents, "deltas that are kept are made on it: \(words.joined(separator: ", "))\(more)",
            object: "\(name)", path: path, hint: "remove those first")
    }
}
