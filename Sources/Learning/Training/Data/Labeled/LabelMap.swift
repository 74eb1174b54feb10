import Architectures
import Diagnostics
package import JSON

/// The classes of a classification by their names, in the order of their numbers.
package struct LabelMap: Hashable, Sendable {
    /// The most that can be told apart.
    package static let limit = NetworkArchitecture.mostClasses

    package let names: [String]
    private let numbers: [ExactKey: Int]
    /// Whether no name could be taken for a number.
    private let hasWordsOnly: Bool

    /// Nil for no names, for one that comes twice, or for more than ``limit``.
    package init?(_ names: [String]) {
        guard (1...Self.limit).contains(names.count) else { return nil }
        self.names = names
        numbers = Dictionary(zip(names.map { ExactKey($0) }, 0...)) { first, _ in first }
        guard numbers.count == names.count else { return nil }
        hasWordsOnly = names.allSatisfy { Int($0) == nil }
    }

    /// So many classes without names: their numbers. `count` is from 1 to ``limit``.
    package init(count: Int) {
        precondition((1...Self.limit).contains(count))
        names = (0..<count).map { "\($0)" }
        numbers = Dictionary(uniqueKeysWithValues: zip(names.map { ExactKey($0) }, 0...))
        hasWordsOnly = false
    }

    /// The classes that occur: in the order of their numbers where all are integers, and else of their bytes. Nil where there
    /// are none or more than ``limit``.
    package init?(of examples: [LabeledExample]) {
        let found = Set(examples.map { ExactKey($0.label) }).map(\.string)
        let numbers = found.compactMap { Int($0) }
        if numbers.count == found.count {
            self.init(found.sorted { (Int($0) ?? 0, $0) < (Int($1) ?? 0, $1) })
        } else {
            self.init(found.sorted { $0.precedesInBytes($1) })
        }
    }

    /// The number of a class, from 0, by its name, or by the number itself where all names are words; nil for what is none.
    package func number(of name: String) -> Int? {
        if let number = numbers[ExactKey(name)] { return number }
        return hasWordsOnly ? Int(name).flatMap { names.indices.contains($0) && "\($0)" == name ? $0 : nil } : nil
    }

    /// As it is kept in a container's metadata.
    package var document: JSONValue { .array(names.map { .string($0) }) }

    /// Reads what ``document`` wrote, or `id2label` of a model's config; nil for anything else.
    package init?(_ document: JSONValue) {
        if let names = document.array {
            let texts = names.compactMap(\.string)
            guard texts.count == names.count else { return nil }
            self.init(texts)
        } else if let members = document.object {
            var names: [String] = []
            for index in 0..<members.count {
                guard let name = members["\(index)"]?.string else { return nil }
                names.append(name)
            }
            self.init(names)
        } else {
            return nil
        }
    }

    package static func == (a: LabelMap, b: LabelMap) -> Bool {
        a.names.map { ExactKey($0) } == b.names.map { ExactKey($0) }
    }

    package func hash(into hasher: inout Hasher) {
        for name in names { hasher.combine(ExactKey(name)) }
    }
}
