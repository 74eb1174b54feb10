import Diagnostics

/// A string that equals another only when their bytes do.
///
/// Swift's own comparison takes "é" in one code point and in two for the same; keys and tensor names do not.
package struct ExactKey: Hashable, Sendable {
    package let string: String

    package init(_ string: String) {
        self.string = string
    }

    package static func == (a: ExactKey, b: ExactKey) -> Bool {
        a.string.equalsInBytes(b.string)
    }

    package func hash(into hasher: inout Hasher) {
        // Not the string's own hash: that is one for all orders of combining marks, hence open to floods of collisions.
        string.hashBytes(into: &hasher)
    }
}

/// The keys met so far in every object that is open, to find a key that comes twice.
///
/// Few keys are compared one by one, many through a set, so that the time stays linear and small objects cost nothing.
struct OpenKeys {
    private static let few = 8

    private struct Scope {
        /// Where this object's keys begin in `keys`.
        let start: Int
        /// All of its keys, once they are many.
        var index: Set<ExactKey>?
    }

    private var keys: [ExactKey] = []
    private var scopes: [Scope] = []

    mutating func open() {
        scopes.append(Scope(start: keys.count))
    }

    mutating func close() {
        if let scope = scopes.popLast() { keys.removeSubrange(scope.start...) }
    }

    /// Adds a key to the innermost object and says whether it is new.
    mutating func insert(_ string: String) -> Bool {
        let key = ExactKey(string)
        let scope = scopes.count - 1
        if scopes[scope].index != nil {
            return scopes[scope].index?.insert(key).inserted ?? false
        }
        for index in scopes[scope].start..<keys.count where keys[index] == key { return false }
        keys.append(key)
        if keys.count - scopes[scope].start > Self.few {
            scopes[scope].index = Set(keys[scopes[scope].start...])
        }
        return true
    }
}
