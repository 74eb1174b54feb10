package import Architectures
package import Diagnostics

/// What a method's size is computed from: a model's shapes and the method's config.
package struct SizingInput: Sendable {
    package let architecture: Architecture
    package let parameters: Parameters
    /// The word whose default targets and default config hold.
    let method: String

    package init(_ architecture: Architecture, _ parameters: Parameters, method: String) {
        self.architecture = architecture
        self.parameters = parameters
        self.method = method
    }

    /// A count of the config, or what its key means where it is absent.
    ///
    /// Throws ``Failure/Code/badParameter`` for what is missing, no integer, negative or beyond 2³¹.
    package func count(_ key: String, standard: Int? = nil) throws(Failure) -> Int {
        let given = parameters[key].flatMap { $0 == .null ? nil : $0 }
        let value = given == nil ? standard ?? Method.named(method)?.key(key)?.defaultValue.int : given?.int
        guard let value, (0...1 << 31).contains(value) else {
            throw Failure(
                .badParameter, "the parameter \(key) is missing or out of range", expected: "0 to 2^31",
                actual: given?.summary)
        }
        return value
    }

    package func flag(_ key: String) -> Bool { parameters[key]?.bool ?? false }

    /// Refuses with ``Failure/Code/badParameter`` keys that change shapes in ways that no formula here has.
    package func refuse(_ keys: [String]) throws(Failure) {
        for key in keys {
            guard let value = parameters[key], ![.null, false, .list([]), .map([])].contains(value) else { continue }
            throw Failure(.badParameter, "sizes are not known for configs with this key", object: key)
        }
    }

    // MARK: Targets

    /// The linear layers that are adapted: those of `target_modules`, or the method's default ones.
    package func targets(withEmbeddings: Bool = false) throws(Failure) -> [LinearSite] {
        var sites = architecture.linears
        if withEmbeddings { sites += architecture.embeddings }
        var parameters = parameters
        let isGiven = parameters["target_modules"].map { $0 != .null } ?? false
        if !isGiven {
            parameters["target_modules"] = .list(architecture.defaults.targets(of: method).map(ParameterValue.string))
        }
        let targets = try TargetModules(parameters)
        if targets.isAll { sites = sites.filter { $0.part != .head && !$0.isEmbedding } }
        if isGiven { try targets.check(sites.map(\.path)) }
        let chosen = sites.filter { targets.contains($0.path) }
        guard !chosen.isEmpty else {
            throw Failure(
                .usage, "the target modules mean no layer of the model",
                expected: Set(sites.map { TargetModules.lastComponent($0.path) }).sorted().joined(separator: ", "))
        }
        return chosen
    }

    /// The targets, those of equal shapes and rank together. `rankKey` is the key of the rank, which `rank_pattern` may
    /// change for some.
    package func groups(rankKey: String? = nil, withEmbeddings: Bool = false) throws(Failure) -> [TargetGroup] {
        var groups: [TargetGroup] = []
        let rank = try rankKey.map { key throws(Failure) in try count(key) } ?? 0
        for site in try targets(withEmbeddings: withEmbeddings) {
            let own = try rankKey == "r" ? parameters["rank_pattern"]?.value(forModule: site.path)?.int : nil
            guard (0...1 << 31).contains(own ?? 0) else {
                throw Failure(.badParameter, "a rank is out of range", object: "rank_pattern", actual: "\(own ?? 0)")
            }
            let group = TargetGroup(site, rank: own ?? rank)
            if let place = groups.firstIndex(where: { $0.holds(group) }) {
                groups[place].add(site)
            } else {
                groups.append(group)
            }
        }
        return groups
    }

    /// The keys of a map of patterns that no target takes a value from: they match none, or only what an earlier one has
    /// taken.
    package func unusedPatterns(_ key: String) throws(Failure) -> [String] {
        guard key.hasSuffix("_pattern"), let members = parameters[key]?.map, !members.isEmpty else { return [] }
        let patterns = try members.map { member throws(Failure) in try ModulePattern(member.key) }
        var unused = Set(members.indices)
        for site in try targets(withEmbeddings: true) {
            if let taker = patterns.firstIndex(where: { $0.matches(site.path) }) { unused.remove(taker) }
        }
        return unused.sorted().map { members[$0].key }
    }

    // MARK: What goes with every method

    /// The size of tensors at targets, with the biases and the modules that the config trains besides.
    package func size(_ groups: [TargetGroup], added: [TensorGroup]) throws(Failure) -> AdapterSize {
        var size = AdapterSize()
        size.added = added
        switch parameters["bias"]?.string ?? "none" {
        case "none": break
        case "all": size.existing += architecture.biases
        default: size.existing += groups.compactMap(\.biases)
        }
        return size
    }

    /// Copies of whole modules that are trained: those of `modules_to_save`, and a new head for classes.
    package func savedModules() throws(Failure) -> [TensorGroup] {
        let names = parameters["modules_to_save"]?.strings ?? []
        let isHeadNew = architecture.head.isClassification
        let modules = architecture.modules.filter { module in
            isHeadNew && module.part == .head || names.contains { module.isWithin($0) }
        }
        return modules.map { TensorGroup($0.path, $0.tensors) }
    }
}

/// Layers that a method adapts alike: of the same shape and rank.
package struct TargetGroup: Sendable {
    private var names: [String]
    package private(set) var copies = 1
    package let outputs: Int
    package let inputs: Int
    package let rank: Int
    private let hasBias: Bool

    init(_ site: LinearSite, rank: Int) {
        names = [TargetModules.lastComponent(site.path)]
        outputs = site.outputs
        inputs = site.inputs
        self.rank = rank
        hasBias = site.hasBias
    }

    fileprivate func holds(_ other: TargetGroup) -> Bool {
        (outputs, inputs, rank, hasBias) == (other.outputs, other.inputs, other.rank, other.hasBias)
    }

    fileprivate mutating func add(_ site: LinearSite) {
        copies += 1
        let name = TargetModules.lastComponent(site.path)
        if !names.contains(name) { names.append(name) }
    }

    /// What its layers are called: "q_proj, v_proj".
    package var name: String { names.joined(separator: ", ") }

    package var `in`: Formula { .quantity("in", inputs) }
    package var out: Formula { .quantity("out", outputs) }
    package var r: Formula { .quantity("r", rank) }

    /// Tensors at each of the layers.
    package func tensors(_ tensors: [TensorShape]) -> TensorGroup { TensorGroup(name, copies: copies, tensors) }

    fileprivate var biases: TensorGroup? {
        hasBias ? TensorGroup(name + ".bias", copies: copies, [TensorShape("bias", [out])]) : nil
    }
}
