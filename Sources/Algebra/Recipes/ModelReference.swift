import Diagnostics

/// How a recipe names a model: `path`, `path@revision`, `path+adapter`, `path@revision+adapter`.
package struct ModelReference: Hashable, Sendable {
    /// A folder or a file, and which state of it.
    package struct Place: Hashable, Sendable {
        package let path: String
        package let revision: String?

        package init(path: String, revision: String? = nil) {
            self.path = path
            self.revision = revision
        }

        /// `path@revision`, the last `@` counting.
        init(_ text: Substring) {
            let at = text.lastIndex(of: "@")
            self.init(
                path: String(at.map { text[..<$0] } ?? text),
                revision: at.map { String(text[text.index(after: $0)...]) })
        }

        var isComplete: Bool { !path.isEmpty && revision?.isEmpty != true }

        package var text: String { path + (revision.map { "@" + $0 } ?? "") }
    }

    package let model: Place
    package let adapter: Place?

    package init(model: Place, adapter: Place? = nil) {
        self.model = model
        self.adapter = adapter
    }

    /// Nil for what names no model: an empty part, or several adapters.
    package init?(_ text: String) {
        let parts = text.split(separator: "+", omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = parts.first else { return nil }
        self.init(model: Place(first), adapter: parts.count == 2 ? Place(parts[1]) : nil)
        guard model.isComplete, adapter?.isComplete != false else { return nil }
    }

    /// As it would stand in a recipe.
    package var text: String { model.text + (adapter.map { "+" + $0.text } ?? "") }
}
