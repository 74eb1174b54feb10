import Architectures
import ArgumentParser
import Diagnostics
import Training

/// What of the data is learned, and how it is read.
struct DataFlags: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Only completions count, and the last turns of assistants.")
    var maskPrompt: Bool?

    @Option(
        help: ArgumentHelp(
            "How conversations and prompts are written: chatml, llama2, llama3, mistral, alpaca, or a file in Jinja "
                + "(default: conversations as the base has it, prompts as they are).",
            valueName: "template"))
    var chatTemplate: String?

    @Option(
        help: ArgumentHelp(
            "The column or key of the texts to classify, or two of a pair (default: the names that data sets use).",
            valueName: "name[,name]"))
    var textColumns: String?

    @Option(
        help: ArgumentHelp(
            "The column or key of the label (default: label, labels, target, class or score).", valueName: "name"))
    var labelColumn: String?

    func validate() throws {
        if let textColumns, !(1...2).contains(columns(textColumns).count) || columns(textColumns).contains("") {
            throw ValidationError("--text-columns names one column, or two with a comma between.")
        }
        if labelColumn == "" { throw ValidationError("--label-column names a column.") }
    }

    private func columns(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    /// Throws ``Failure/Code/usage`` for a flag that says nothing of a task.
    func check(_ task: ModelTask) throws(Failure) {
        let flags = [
            ("--mask-prompt", maskPrompt == true, task == .causal),
            ("--chat-template", chatTemplate != nil, task == .causal),
            ("--text-columns", textColumns != nil, task.isOfRows),
            ("--label-column", labelColumn != nil, task.isOfRows),
        ]
        guard let flag = flags.first(where: { $0.1 && !$0.2 }) else { return }
        throw Failure(
            .usage, "\(flag.0) says nothing of this task", object: task.rawValue, hint: "--task names another")
    }

    /// As the flags say, and where they say nothing as an adapter learned.
    func form(else learned: DataForm? = nil) throws(Failure) -> DataForm {
        let learned = learned ?? DataForm()
        var form = try DataForm(masksPrompt: maskPrompt ?? learned.masksPrompt, templateAt: chatTemplate)
        if chatTemplate == nil { form.chatTemplate = learned.chatTemplate }
        form.textColumns = textColumns.map(columns) ?? learned.textColumns
        form.labelColumn = labelColumn ?? learned.labelColumn
        return form
    }
}
