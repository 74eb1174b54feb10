/// The members of a JSON object: in order, each key once, found by key in constant time.
package struct JSONObject: Sendable {
    package typealias Member = (key: String, value: JSONValue)

    package private(set) var members: [Member] = []
    /// Where each key is, once there are enough to make it worth while.
    private var index: [ExactKey: Int]?

    private static let few = 8

    package init() {}

    /// Members whose keys are known to differ.
    init(unique members: [Member]) {
        self.members = members
        buildIndexIfLarge()
    }

    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }
    package var keys: [String] { members.map(\.key) }

    /// The value of a key. Setting a new key adds a member at the end, setting nil removes one, and members keep their
    /// places otherwise.
    package subscript(_ key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?):
                members[position].value = value
            case (let position?, nil):
                members.remove(at: position)
                index = nil
                buildIndexIfLarge()
            case (nil, let value?):
                members.append((key, value))
                if index == nil { buildIndexIfLarge() } else { index?[ExactKey(key)] = members.count - 1 }
            case (nil, nil): break
            }
        }
    }

    private func position(of key: String) -> Int? {
        let key = ExactKey(key)
        if let index { return index[key] }
        return members.firstIndex { ExactKey($0.key) == key }
    }

    private mutating func buildIndexIfLarge() {
        guard members.count > Self.few else { return }
        var index: [ExactKey: Int] = [:]
        index.reserveCapacity(members.count)
        for (position, member) in members.enumerated() { index[ExactKey(member.key)] = position }
        self.index = index
    }
}

extension JSONObject: Hashable {
    /// Equal members in equal order.
    package static func == (a: JSONObject, b: JSONObject) -> Bool {
        a.members.elementsEqual(b.members) { ExactKey($0.key) == ExactKey($1.key) && $0.value == $1.value }
    }

    package func hash(into hasher: inout Hasher) {
        for (key, value) in members {
            hasher.combine(ExactKey(key))
            hasher.combine(value)
        }
    }
}
