import Diagnostics
import Kernels
import Layers

extension Sites {
    /// Throws ``Failure/Code/notTrainable`` for models whose rows take no tokens of a method's own.
    func checkVirtualTokens(_ word: String) throws(Failure) {
        guard !takesVirtualTokens else { return }
        throw Failure(
            .notTrainable, "this method trains only models of the LLaMA family that predict the next token",
            object: word,
            hint: "lora, ia3 and bitfit train this one")
    }
}

extension Linear {
    /// Throws ``Failure/Code/notTrainable`` for a layer whose weight is kept transposed.
    func checkNotTransposed(_ what: String) throws(Failure) {
        guard isTransposed else { return }
        throw Failure(
            .notTrainable, "neither this nor PEFT trains it at layers that keep their weights as [in, out]",
            object: path,
            actual: what, hint: "lora, adalora and ia3 train them")
    }
}
