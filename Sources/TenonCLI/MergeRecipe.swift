import Diagnostics

extension Merge {
    /// Merges checkpoints as a recipe says.
    func runRecipe() throws {
        throw Failure(.usage, "this version does not run recipes", actual: recipe)
    }
}
