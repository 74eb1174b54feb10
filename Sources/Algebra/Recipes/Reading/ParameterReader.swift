import DeltaAlgebra
import Diagnostics

/// What recipes may say of parameters, over all methods.
enum ParameterReader {
    /// Where a parameter stands.
    enum Place {
        case recipe, slice, model
    }

    /// Settings of all methods by name: equal names have equal types.
    static let known: [String: MergeSetting] = Dictionary(
        MergeMethods.all.flatMap(\.settings).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// Older recipes have it; sums are in fp64 here.
    static let ignored: Set<String> = ["int8_mask"]

    static var names: Set<String> { Set(known.keys).union(ignored) }
}

extension RecipeReader {
    /// The parameters at one place; of those that the method does not have it is said that they mean nothing.
    mutating func parameters(
        _ node: YAMLNode?, at place: ParameterReader.Place, for method: any MergeMethod
    ) throws(Failure) -> ParameterTable {
        var table = ParameterTable()
        guard let node else { return table }
        guard let map = node.map else {
            throw refusal("parameters are no map", line: node.line, node.description)
        }
        for member in map {
            if ParameterReader.ignored.contains(member.key) { continue }
            guard let any = ParameterReader.known[member.key] else {
                throw refusal("no method has such a parameter", line: member.line, member.key)
                    .hint(Self.nearest(to: member.key, among: ParameterReader.known.keys.sorted()))
            }
            let setting = try setting(member.value, member.key, isFlag: any.isFlag, line: member.line)
            guard let own = method.settings.first(where: { $0.name == member.key }) else {
                note(member.key, line: member.line, "is no parameter of \(method.word) and means nothing")
                continue
            }
            if place == .model, own.scope == .tensor {
                note(member.key, line: member.line, "is no parameter of a single model and means nothing")
                continue
            }
            table.settings[member.key] = setting
        }
        return table
    }

    private func setting(
        _ node: YAMLNode, _ name: String, isFlag: Bool, line: Int
    ) throws(Failure) -> ParameterSetting {
        let isConditional = node.map != nil || node.list?.contains { $0.map != nil } == true
        let cases: [ParameterSetting.Case]
        if isConditional {
            cases = try (node.list ?? [node]).map { item throws(Failure) in try conditional(item, name, isFlag: isFlag)
            }
        } else {
            cases = [.init(filter: nil, values: try gradient(node, name, isFlag: isFlag), line: node.line)]
        }
        return ParameterSetting(name: name, cases: cases, isFlag: isFlag, line: line)
    }

    private func conditional(
        _ node: YAMLNode, _ name: String, isFlag: Bool
    ) throws(Failure) -> ParameterSetting.Case {
        let parts = try members(node, ["filter", "value"], of: "a value with a filter")
        guard let value = parts["value"] else { throw refusal("the filter has no value", line: node.line, name) }
        if let filter = parts["filter"], filter.text == nil {
            throw refusal("the filter is no text", line: filter.line, filter.description)
        }
        return .init(
            filter: parts["filter"]?.text, values: try gradient(value, name, isFlag: isFlag), line: value.line)
    }

    /// The values of a scalar or of a list of them.
    private func gradient(_ node: YAMLNode, _ name: String, isFlag: Bool) throws(Failure) -> [Double] {
        try (node.list ?? [node]).map { item throws(Failure) in
            guard let number = isFlag ? Self.flag(item) : item.scalar?.number, number.isFinite else {
                throw refusal(
                    "the parameter \(name) is no \(isFlag ? "true or false" : "number")", line: item.line,
                    item.description)
            }
            return number
        }
    }

    private static func flag(_ node: YAMLNode) -> Double? {
        switch node.scalar {
        case .flag(let flag): flag ? 1 : 0
        case .number(let number) where number == 0 || number == 1: number
        default: nil
        }
    }
}
