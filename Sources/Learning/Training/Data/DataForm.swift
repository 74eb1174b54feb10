package import Diagnostics
import Files
import JSON
import ChatTemplates

/// What of the data is learned, and in which words: options that decide which rows come of a file.
package struct DataForm: Hashable, Sendable {
    /// Whether only completions, and the last turns of assistants, are learned.
    package var masksPrompt = false
    /// What conversations are written by: the name of a built-in template, or a template's text; nil for the base's own.
    /// Where there is one it also writes prompts and instructions, as turns of a user.
    package var chatTemplate: String?
    /// The columns, or keys, of a labeled text or of a pair, and of the label; none for those that data sets use.
    package var textColumns: [String] = []
    package var labelColumn: String?

    package init(masksPrompt: Bool = false, chatTemplate: String? = nil) {
        self.masksPrompt = masksPrompt
        self.chatTemplate = chatTemplate
    }

    /// Takes the name of a built-in template, or reads a file.
    ///
    /// Throws ``Failure/Code/usage`` for what is neither, and ``Failure/Code/templateInvalid`` or
    /// ``Failure/Code/templateUnsupported`` for what cannot be used.
    package init(masksPrompt: Bool, templateAt place: String?) throws(Failure) {
        self.masksPrompt = masksPrompt
        guard let place else { return }
        if ChatTemplate.builtInNames.contains(place) {
            chatTemplate = place
            return
        }
        guard try Folder.kind(of: place) != nil else {
            throw Failure(
                .usage, "there is no such chat template", actual: place,
                hint: "a file, or one of \(ChatTemplate.builtInNames.joined(separator: ", "))")
        }
        let text = try ChatFormat.text(at: place)
        _ = try ChatTemplate(text, name: place)
        chatTemplate = text
    }

    /// Nothing that is as it is without options.
    var members: [(key: String, value: JSONValue)] {
        (masksPrompt ? [("maskPrompt", true)] : []) + (chatTemplate.map { [("chatTemplate", .string($0))] } ?? [])
            + (textColumns.isEmpty ? [] : [("textColumns", .array(textColumns.map { .string($0) }))])
            + (labelColumn.map { [("labelColumn", .string($0))] } ?? [])
    }

    /// Reads what ``members`` wrote into a record's options.
    init(_ document: JSONValue) {
        masksPrompt = document["maskPrompt"]?.bool ?? false
        chatTemplate = document["chatTemplate"]?.string
        textColumns = document["textColumns"]?.array?.compactMap(\.string) ?? []
        labelColumn = document["labelColumn"]?.string
    }
}
