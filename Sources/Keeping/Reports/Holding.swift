/// Something that takes room: where it lies, what it is called, when it came.
package struct Holding: Sendable {
    package enum Form: String, Sendable, CaseIterable {
        /// A `.tenon` file.
        case container
        /// A folder that PEFT wrote.
        case folder = "peft"
        /// A whole model: one safetensors file, or a folder with one or with shards.
        case checkpoint
    }

    package let form: Form
    package let path: String
    /// All that it goes by, at least one; each name but the first would be a copy where nothing is kept once.
    package var names: [String]
    /// Whether they are names that somebody gave: what has none in a store goes by its digest.
    package let isNamed: Bool
    /// Nanoseconds since 1970; nil takes the newest of its files.
    package let added: Int64?
    /// The size of the files that went in; nil where that is not known.
    package let inputBytes: Int?
    /// The store that keeps it, whose files nobody else may touch; nil for what lies in the open.
    package let store: String?
    /// What it was made from, such as a format's word; empty where that is not known.
    package let origin: String

    package init(
        form: Form, path: String, names: [String], added: Int64? = nil, inputBytes: Int? = nil, origin: String = "",
        store: String? = nil, isNamed: Bool = true
    ) {
        self.form = form
        self.path = path
        self.names = names
        self.added = added
        self.inputBytes = inputBytes
        self.origin = origin
        self.store = store
        self.isNamed = isNamed
    }
}
