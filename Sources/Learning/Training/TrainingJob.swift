package import Adapters
package import Architectures
package import Checkpoints
import DeltaAlgebra
package import DeltaFormat
package import Diagnostics
package import Digests
import Files
import Insertions
import Interchange
import JSON
import Kernels
import Layers
import Networks
import Packaging
package import Parallelism
import Tensors

/// Trains an adapter: from a base and data to a container.
package struct TrainingJob: Sendable {
    package let base: Checkpoint
    package let data: TrainingData
    package var options: TrainingOptions
    /// The adapter to go on from; nil for a new one.
    package var initial: Adapter?
    package var lanes: Lanes
    /// How passes go about their memory; their size is made to fit.
    package var memory = Trainer.PassMemory()
    /// The most memory that was allowed, the base's files left out; nil for what the machine has.
    package var memoryLimit: Int?
    package var replaces = false
    package var resumes = false
    /// Steps from one saved state to the next; 0 for none but at an interruption.
    package var stepsPerSave = 100
    /// Is told of every step.
    package var onStep: (@Sendable (TrainingMetrics) -> Void)?

    package init(base: Checkpoint, data: TrainingData, options: TrainingOptions, lanes: Lanes) {
        self.base = base
        self.data = data
        self.options = options
        self.lanes = lanes
    }

    package struct Report: Sendable {
        package let trailer: Trailer
        package let metrics: [TrainingMetrics]
        /// The step whose numbers were written, and what they came to on the validation data.
        package let step: Int
        package let evaluation: Evaluation?
        package let parameterCount: Int
        package let task: ModelTask
        package let baseRoot: Digest
        /// The modules of the head that the base lacked.
        package let madePaths: [String]
    }

    /// Trains, and writes the container to `output`, with its metrics and its loss curve beside it.
    ///
    /// Throws ``Failure/Code/interrupted`` with the state kept, so that ``resumes`` goes on from there, and what reading
    /// base and data throws.
    package func run(output: String) throws(Failure) -> Report {
        try checkPlaces(output)
        let plan = try plan()
        try plan.estimate.check(limit: memoryLimit)
        let work = try WorkFolder(
            beside: output, earlier: resumes ? .goneOnWith : replaces ? .replaced : .kept, state: TrainingState.fileName
        )
        var run: TrainingRun
        do throws(Failure) {
            // Again, now that nobody else can put anything there.
            try checkPlaces(output)
            run = try begin(work, plan.passes)
            if resumes { try run.resume(from: work) } else { try run.initialize() }
        } catch {
            if !resumes { work.remove() }
            throw error
        }
        try train(&run)
        // What follows may still be interrupted, or find no room.
        try run.save()
        let (adapter, report) = try result(of: run, path: output)
        let file = try OutputFile.create(at: output, replacing: replaces)
        let trailer = try ContainerWriter(lanes: lanes).write(adapter, to: file)
        try file.commit()
        try TrainingLog.write(run.log.metrics, beside: output)
        work.remove()
        return report(trailer)
    }

    /// Refuses places where something is that may not be replaced, and earlier work that would be lost.
    package func checkPlaces(_ output: String) throws(Failure) {
        try Outputs.checkFree(output, replaces: replaces)
        if (try? Folder.kind(of: output)) == .folder {
            throw Failure(.cannotCreate, "a folder is there", path: output, hint: "name a file in it, or another place")
        }
        guard !replaces else { return }
        for path in TrainingLog.paths(beside: output) { try Outputs.checkFree(path, replaces: false) }
    }

    /// Trains, and returns the content digest of what comes of it; nothing is written.
    package func contentDigest() throws(Failure) -> Digest {
        let plan = try plan()
        try plan.estimate.check(limit: memoryLimit)
        var run = try begin(nil, plan.passes)
        try run.initialize()
        try run.train()
        let adapter = try result(of: run, path: base.path).adapter
        return try ContainerWriter(compression: .fast, lanes: lanes).write(adapter, to: .discarded()).contentDigest
    }

    private func begin(_ work: WorkFolder?, _ passes: Trainer.PassMemory) throws(Failure) -> TrainingRun {
        let engine = Engine<Float>(lanes)
        let model = try TrainedModel(base, options, initial: initial, length: data.longestRow, engine)
        let trainer = Trainer(model.network, model.inserted, options, memory: passes, engine)
        return TrainingRun(
            trainer: trainer, model: model, data: data, state: TrainingState(of: try RunIdentity(of: self)),
            log: try MetricsLog(at: resumes ? nil : work?.place(of: MetricsLog.fileName)),
            stepsPerSave: stepsPerSave, work: work, lanes: lanes, engine: engine, onStep: onStep)
    }

    /// To the end; an interruption keeps the state, and so does a fault after a state was saved.
    private func train(_ run: inout TrainingRun) throws(Failure) {
        do throws(Failure) {
            try run.train()
        } catch {
            if error.code.status == .interrupted || error.code.status == .terminated {
                try run.save()
                throw error.hint(
                    "the state is kept: the same command with --resume goes on after step \(run.state.step)")
            }
            if !run.hasSaved { run.work?.remove() }
            throw error
        }
    }

    /// The adapter, bound to its base, with the record of its training; and what a report says once it is written.
    private func result(
        of run: TrainingRun, path: String
    ) throws(Failure) -> (adapter: Adapter, report: (Trailer) -> Report) {
        let fingerprint = try BaseFingerprint(of: base, lanes: lanes, cache: .standard())
        let step = run.state.best?.step ?? run.state.step
        let evaluation = run.state.best?.evaluation
        let record = TrainingRecord(
            method: options.method.word, parameters: options.parameters.document, options: options.document,
            isContinued: initial != nil, dataDigest: "\(data.digest)", baseRoot: "\(fingerprint.root)", step: step,
            evaluation: evaluation)
        var adapter = try run.model.adapter(values: run.bestValues)
        adapter.metadata[TrainingRecord.key] = String(
            decoding: JSONWriter.bytes(of: record.document, .compact), as: UTF8.self)
        if let classes = data.classes {
            adapter.metadata[Adapter.classesKey] = String(
                decoding: JSONWriter.bytes(of: classes.document, .compact), as: UTF8.self)
        }
        let madePaths = run.model.network.sites.saved.madePaths
        adapter.metadata[Adapter.headKey] =
            madePaths.isEmpty
            ? initial?.metadata[Adapter.headKey] : run.model.network.architecture.task.peftName
        try BaseBinder(base, lanes: lanes, cache: .standard()).bind(&adapter, path: path)
        return (
            adapter,
            { trailer in
                Report(
                    trailer: trailer, metrics: run.log.metrics, step: step, evaluation: evaluation,
                    parameterCount: run.model.parameterCount, task: run.model.network.architecture.task,
                    baseRoot: fingerprint.root, madePaths: madePaths)
            }
        )
    }

    // MARK: Memory

    /// What ``run(output:)`` would say before it starts, and what it would hold at most.
    package func rehearse(output: String) throws(Failure) -> MemoryEstimate {
        try checkPlaces(output)
        if !resumes, !replaces { try WorkFolder.checkNone(beside: output, state: TrainingState.fileName) }
        let estimate = try plan().estimate
        try estimate.check(limit: memoryLimit)
        return estimate
    }

    /// How much goes through the model at once, and what all of it will take. Nothing of the base is read.
    private func plan() throws(Failure) -> (passes: Trainer.PassMemory, estimate: MemoryEstimate) {
        let architecture = try NetworkArchitecture(of: base, task: options.task, labels: options.labels)
        if !options.makesHead, initial?.headCount == nil { try architecture.checkHead(in: base) }
        let shapes = try architecture.shapes(in: base)
        var size = try options.method.size(in: shapes, options.parameters)
        if !(options.method is FullTuning) { size.parameterCount += shapes.savedCount }
        func estimate(tokens: Int) throws(Failure) -> MemoryEstimate {
            try MemoryEstimate(
                architecture, base, size, tokens: tokens, rowTokens: data.tokenCount, checkpoints: memory.checkpoints,
                keepsBest: !data.validation.isEmpty, threads: lanes.count)
        }
        var passes = memory
        let budget = try memoryLimit.map { limit throws(Failure) in limit - (try estimate(tokens: 0).held) }
        passes.fit(
            max(0, budget ?? MemoryBudget.standard.bytes), architecture, size,
            longestRow: data.longestRow + size.virtualTokens)
        return (passes, try estimate(tokens: passes.tokensPerPass))
    }
}
