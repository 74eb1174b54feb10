package import Diagnostics
package import Tensors

/// A way of making one tensor out of those of several models: `Spec/merge.md` has the formulas, and the papers.
package protocol MergeMethod: Sendable {
    /// The word in recipes.
    var word: String { get }
    var base: BaseNeed { get }
    /// How many models it takes besides the base, if that is not one of them.
    var modelCount: ClosedRange<Int> { get }
    /// What a recipe may set for it.
    var settings: [MergeSetting] { get }
    /// What becomes of a tensor that some of its models lack.
    var lacks: TensorLack { get }

    /// Throws ``Failure/Code/recipeInvalid`` for values that it cannot work with.
    func merger(of tensor: TensorMerge) throws(Failure) -> any TensorMerger
}

/// What becomes of a tensor that too few models have for a method.
package enum TensorLack: Sendable {
    case refused
    /// Where one model has it, it is copied.
    case copiedFromOne
    /// Where the base alone has it, it is copied.
    case copiedFromBase
    /// The same, and where some others have it, but not enough, it is left out.
    case copiedFromBaseOrLeftOut
}

/// What a method makes of a base.
package enum BaseNeed: Sendable {
    /// It has no use for one: a base among the models is one of them.
    case member
    case optional
    case required
}

/// A value that a recipe may set.
package struct MergeSetting: Sendable {
    /// Whose value it is.
    package enum Scope: Sendable {
        /// That of each model, for each tensor.
        case model
        /// That of all together, for each tensor.
        case tensor
    }

    package let name: String
    package let scope: Scope
    /// What it is where nothing is said; nil where something must be. True is 1, and false 0.
    package let standard: Double?
    package let range: ClosedRange<Double>
    /// Whether it is true or false, and nothing between.
    package let isFlag: Bool

    package init(
        _ name: String, _ scope: Scope, _ standard: Double?,
        in range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude
    ) {
        self.name = name
        self.scope = scope
        self.standard = standard
        self.range = range
        isFlag = false
    }

    /// One that is true or false.
    package init(_ name: String, _ scope: Scope, _ standard: Bool) {
        self.name = name
        self.scope = scope
        self.standard = standard ? 1 : 0
        range = 0...1
        isFlag = true
    }
}

extension MergeMethod {
    package var lacks: TensorLack { .refused }

    /// What a setting is: as given, or where nothing is said.
    ///
    /// Throws ``Failure/Code/recipeInvalid`` for one that must be given and is not, or that is out of its range.
    func value(_ name: String, in values: MergeValues) throws(Failure) -> Double {
        guard let setting = settings.first(where: { $0.name == name }) else {
            throw Failure(.internal, "the method has no such setting", object: name, path: word)
        }
        guard let value = values[name] ?? setting.standard else {
            throw Failure(.recipeInvalid, "the method \(word) needs this parameter", object: name)
        }
        guard setting.range.contains(value) else {
            throw Failure(
                .recipeInvalid, "a parameter of \(word) is out of range", object: name,
                expected: "\(setting.range.lowerBound) to \(setting.range.upperBound)", actual: "\(value)")
        }
        return value
    }

    func flag(_ name: String, in values: MergeValues) throws(Failure) -> Bool { try value(name, in: values) != 0 }

    /// A setting of each model.
    func values(_ name: String, of tensor: TensorMerge) throws(Failure) -> [Double] {
        try tensor.inputs.map { input throws(Failure) in try value(name, in: input.values) }
    }
}

/// Values by the names of their settings.
package struct MergeValues: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    private var values: [String: Double]

    package init(dictionaryLiteral elements: (String, Double)...) {
        values = Dictionary(elements) { $1 }
    }

    package subscript(_ name: String) -> Double? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// All of them, by name.
    var text: String { values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ") }
}

/// One tensor of the result, out of those of the models.
package struct TensorMerge: Sendable {
    package struct Input: Sendable {
        /// Of F64 its elements in fp32.
        package let source: any TensorSource
        /// The model's path, for messages.
        package let model: String
        /// Which of the recipe's models it is, counted from 0 and the base not among them: random numbers depend on it.
        package let number: Int
        package let values: MergeValues

        package init(_ source: any TensorSource, model: String, number: Int, values: MergeValues = [:]) {
            self.source = source.inSingle
            self.model = model
            self.number = number
            self.values = values
        }
    }

    /// Its name in the result.
    package let name: String
    package let base: Input?
    /// Without the base.
    package let inputs: [Input]
    package let values: MergeValues
    package let seed: UInt64

    package init(name: String, base: Input?, inputs: [Input], values: MergeValues = [:], seed: UInt64 = 0) {
        self.name = name
        self.base = base
        self.inputs = inputs
        self.values = values
        self.seed = seed
    }
}
