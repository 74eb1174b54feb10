import JSON

/// Members in the order in which they came, found by their keys.
struct TemplateMap {
    typealias Member = (key: TemplateValue, value: TemplateValue)

    private(set) var members: [Member] = []
    /// Where keys are that are strings.
    private var places: [ExactKey: Int] = [:]

    var isEmpty: Bool { members.isEmpty }
    var count: Int { members.count }

    private func place(of key: TemplateValue) -> Int? {
        if let text = key.string { return places[ExactKey(text)] }
        return members.firstIndex { $0.key.string == nil && $0.key.equals(key) }
    }

    /// The value of a key; what is set last counts, at the place where the key came first.
    subscript(_ key: TemplateValue) -> TemplateValue? {
        get { place(of: key).map { members[$0].value } }
        set {
            guard let newValue else { return }
            if let place = place(of: key) {
                members[place].value = newValue
                return
            }
            if let text = key.string { places[ExactKey(text)] = members.count }
            members.append((key, newValue))
        }
    }

    subscript(_ key: String) -> TemplateValue? {
        get { self[.string(key)] }
        set { self[.string(key)] = newValue }
    }
}
