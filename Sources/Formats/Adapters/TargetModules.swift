package import Diagnostics

/// Which linear layers a config means, as PEFT reads it: `target_modules` is a list of names or of ends of paths, a regular
/// expression for whole paths, or `all-linear`.
package struct TargetModules: Sendable {
    private enum Form {
        case all
        case names([String])
        case expression(RegularExpression)
    }

    private let targets: Form
    private let excluded: Form?
    private let layers: Set<Int>?

    /// Throws ``Failure/Code/badParameter`` and ``Failure/Code/configInvalid`` for targets that cannot be read.
    package init(_ parameters: Parameters, key: String = "target_modules") throws(Failure) {
        targets = try parameters[key].map { value throws(Failure) in try Self.form(value) } ?? .names([])
        excluded = try parameters["exclude_modules"].map { value throws(Failure) in try Self.form(value) }
        let numbers = parameters["layers_to_transform"]
        layers = numbers.map { value in Set((value.list ?? [value]).compactMap(\.int)) }
    }

    /// Looks whether every name of the config, and the whole of it, means some layer.
    ///
    /// Throws ``Failure/Code/usage`` with the nearest names where a name, or all of them, means none of these paths; also where
    /// it was to be left out.
    package func check(_ paths: [String]) throws(Failure) {
        if case .names(let names) = targets,
            let stray = names.first(where: { name in !paths.contains { Self.isNamed($0, name) } })
        {
            throw Failure(
                .usage, "no layer of the base that is trained so is this target module", object: stray,
                expected: Self.nearest(to: stray, in: paths).joined(separator: ", "))
        }
        if case .names(let names)? = excluded,
            let stray = names.first(where: { name in !paths.contains { Self.isNamed($0, name) } })
        {
            throw Failure(
                .usage, "no layer of the base is this excluded module", object: stray,
                expected: Self.nearest(to: stray, in: paths).joined(separator: ", "))
        }
        guard !paths.contains(where: contains) else { return }
        throw Failure(
            .usage, "the target modules mean no layer of the base",
            expected: Set(paths.map(Self.lastComponent)).sorted().joined(separator: ", "))
    }

    /// Whether all linear layers are meant, whatever they are called.
    package var isAll: Bool { if case .all = targets { true } else { false } }

    /// Whether the layer at this path is meant.
    package func contains(_ path: String) -> Bool {
        if let excluded, Self.holds(excluded, path) { return false }
        if let layers {
            guard let layer = path.split(separator: ".").lazy.compactMap({ Int($0) }).first, layers.contains(layer)
            else { return false }
        }
        return Self.holds(targets, path)
    }

    private static func form(_ value: ParameterValue) throws(Failure) -> Form {
        if let names = value.strings { return names == ["all-linear"] ? .all : .names(names) }
        guard let text = value.string else {
            throw Failure(.badParameter, "target modules are neither names nor an expression", actual: value.summary)
        }
        return text == "all-linear" ? .all : .expression(try RegularExpression("(" + text + ")$"))
    }

    private static func holds(_ form: Form, _ path: String) -> Bool {
        switch form {
        case .all: true
        case .names(let names): names.contains { isNamed(path, $0) }
        case .expression(let expression): expression.matchesPrefix(of: path)
        }
    }

    private static func isNamed(_ path: String, _ name: String) -> Bool { path == name || path.hasSuffix("." + name) }

    package static func lastComponent(_ path: String) -> String {
        path.split(separator: ".").last.map(String.init) ?? path
    }

    /// The last components of paths that are most like a name.
    package static func nearest(to name: String, in paths: [String]) -> [String] {
        Set(paths.map(lastComponent)).sorted { ($0.editDistance(to: name), $0) < ($1.editDistance(to: name), $1) }
            .prefix(3).map { $0 }
    }
}
