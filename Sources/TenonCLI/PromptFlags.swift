import ArgumentParser
import Diagnostics
import Training

/// What of the data is learned, and how conversations are written.
struct PromptFlags: ParsableArguments {
    @Flag(help: "Learn only completions, and the last turns of assistants.")
    var maskPrompt = false

    @Option(
        help: ArgumentHelp(
            "How conversations and prompts are written: chatml, llama2, llama3, mistral, alpaca, or a file in Jinja "
                + "(default: conversations as the base has it, prompts as they are).",
            valueName: "template"))
    var chatTemplate: String?

    var form: DataForm {
        get throws(Failure) { try DataForm(masksPrompt: maskPrompt, templateAt: chatTemplate) }
    }
}
