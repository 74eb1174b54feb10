import ArgumentParser
import Diagnostics

struct Merge: ParsableCommand, Exemplified {
    static let example = "tenon merge --recipe recipe.yaml -o merged-model"

    static let configuration = CommandConfiguration(
        abstract: "Make one of several.",
        discussion: "Checkpoints by a recipe, as mergekit has them.")

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("Merge checkpoints by a recipe of mergekit's.", valueName: "file"))
    var recipe: String?

    @Option(help: ArgumentHelp("Of what is drawn at random.", valueName: "n"))
    var seed: UInt64 = 0

    @OptionGroup var recipeOptions: RecipeOptions

    @OptionGroup var shared: SharedOptions

    func run() throws {
        guard let recipe else { throw Failure(.usage, "there is nothing to merge", hint: "name a --recipe") }
        try runRecipe(recipe)
    }
}
