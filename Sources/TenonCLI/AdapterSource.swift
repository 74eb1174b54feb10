import Adapters
import Checkpoints
import DeltaAlgebra
import DeltaFormat
import Diagnostics
import Files
import Interchange
import Packaging

/// An adapter that the command line names.
enum AdapterSource {
    /// A container whose data are whole, or a PEFT folder.
    static func open(_ path: String, weight: Double, shared: SharedOptions) throws -> WeightedAdapter {
        let input = try AdapterInput(path: path, lanes: shared.lanes)
        for finding in input.findings { shared.console.warn(finding) }
        return WeightedAdapter(input.adapter, contentDigest: input.contentDigest, path: path, weight: weight)
    }

    /// An adapter to be used in a model: its base, where it is bound to one.
    static func open(_ path: String, on base: Checkpoint, shared: SharedOptions) throws -> Adapter {
        let adapter = try open(path, weight: 1, shared: shared).adapter
        let binder = BaseBinder(base, lanes: shared.lanes, cache: .standard())
        for finding in try binder.answer(adapter, path: path).findings { shared.console.warn(finding) }
        return adapter
    }
}

/// The option --weights, multiplied by --scale.
enum AdapterWeights {
    static func parse(_ list: String?, scale: Double, count: Int) throws -> [Double] {
        guard Float(scale).isFinite else { throw Failure(.usage, "the scale is no number") }
        guard let list else { return [Double](repeating: scale, count: count) }
        let numbers = list.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard numbers.count == count else {
            throw Failure(
                .usage, "there must be a weight for each adapter", expected: "\(count)", actual: "\(numbers.count)")
        }
        return try numbers.map { number in
            guard let number, number.isFinite else { throw Failure(.usage, "a weight is no number", actual: list) }
            guard Float(number * scale).isFinite else {
                throw Failure(.usage, "a weight is too large for fp32", actual: "\(number * scale)")
            }
            return number * scale
        }
    }
}

/// Where adapters lie that are named one after the other.
enum AdapterPaths {
    /// The paths in a list whose parts may themselves be lists, joined by commas. A name that is there may have commas of its
    /// own.
    static func split(_ list: [String]) throws(Failure) -> [String] {
        var paths: [String] = []
        for text in list {
            let parts = text.split(separator: ",").map(String.init)
            let isList = parts.count > 1 ? try Folder.kind(of: text) == nil : false
            paths += isList ? parts : [text]
        }
        return paths
    }
}
