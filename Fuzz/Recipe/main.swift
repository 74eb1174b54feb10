import Diagnostics
import FuzzSupport
import Recipes

// A recipe: what is accepted names models, and reads as the same again.

/// One run: libFuzzer calls it with every input.
@c(LLVMFuzzerTestOneInput)
public func test(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let text = String(validating: unsafe input(data, count), as: UTF8.self) else { return 0 }
    guard let recipe = accepted({ () throws(Failure) in try Recipe(text, path: "recipe.yml") }) else { return 0 }
    require(!recipe.models.isEmpty, "a recipe names a model")
    require(Set(recipe.models).count == recipe.models.count, "each model is named once")
    let again = demanded("a recipe can be read twice") { () throws(Failure) in
        try Recipe(recipe.text, path: recipe.path)
    }
    require(again.models == recipe.models && again.dtype == recipe.dtype, "reading twice gives the same")
    return 0
}
