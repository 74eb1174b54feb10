import Architectures
import Diagnostics

extension LabelMap {
    /// The classes that rows are of: those that are known, those that the base's head tells apart, or where it has none those
    /// that occur.
    ///
    /// Throws ``Failure/Code/badParameter`` for known ones of another number, and ``Failure/Code/badDataLine`` where only one occurs, or more than ``limit``.
    init(_ architecture: NetworkArchitecture, known: LabelMap?, in sets: [LabeledSet]) throws(Failure) {
        if let known {
            guard !architecture.namesClasses || known.names.count == architecture.labels else {
                throw Failure(
                    .badParameter, "the adapter names other classes than its head tells apart", object: "classes",
                    expected: "\(architecture.labels)", actual: "\(known.names.count)")
            }
            self = known
        } else if architecture.namesClasses {
            self = architecture.classNames.flatMap { LabelMap($0) } ?? LabelMap(count: architecture.labels)
        } else if let set = sets.first(where: { $0.beginsWithHeader(beside: sets) }) {
            throw Failure(
                .badDataLine, "the first record seems to be a header with names that are not known", object: "line 1",
                path: set.path, actual: "a label that no other record has: \(set.doubtfulLabel ?? "")",
                hint: "a header such as text,label belongs over it; --text-columns and --label-column take other names")
        } else if let found = LabelMap(of: sets.flatMap(\.examples)), found.names.count > 1 {
            self = found
        } else {
            let labels = Set(sets.flatMap(\.examples).map(\.label))
            throw Failure(
                .badDataLine, "so many classes cannot be told apart", path: sets.first?.path,
                expected: "labels of 2 to \(Self.limit) classes", actual: "\(labels.count)",
                hint: "a number for each row is --task regression")
        }
    }
}

extension LabeledSet {
    /// Whether its first record, of which nothing says what it is, has a label that no other record of some sets has.
    fileprivate func beginsWithHeader(beside sets: [LabeledSet]) -> Bool {
        guard let doubtfulLabel, examples.count > 3 else { return false }
        let count = sets.reduce(0) { $0 + $1.examples.count { $0.label.equalsInBytes(doubtfulLabel) } }
        return count <= sets.count { $0.doubtfulLabel.map { $0.equalsInBytes(doubtfulLabel) } ?? false }
    }
}
