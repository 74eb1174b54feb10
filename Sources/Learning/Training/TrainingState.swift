import Adapters
import Checkpoints
package import Diagnostics
import Files
package import Insertions
import JSON
package import Kernels
import Layers
package import Parallelism
import Tensors

/// Where a run stands between two steps: all that the next step depends on, so that a run that was interrupted ends with
/// the bytes of one that was not. It lies in one safetensors file, the counters in its metadata; ``MetricsLog`` lies beside.
package struct TrainingState: Sendable {
    /// A state goes on only with what it was begun with.
    package let run: RunIdentity
    /// How many steps are done.
    package var step: Int
    /// The best evaluation so far, and after which step that was.
    package var best: (step: Int, evaluation: Evaluation)?

    package static let fileName = "state.safetensors"
    private static let metadataKey = "tenon_training"

    package init(of run: RunIdentity, step: Int = 0) {
        self.run = run
        self.step = step
    }

    /// Writes it with the parameters, the optimizer's averages, what methods remember and the numbers of the best step. What
    /// was there stays good until this is whole.
    package func save(
        _ inserted: Inserted<Float>, _ optimizer: Optimizer<Float>, best bestValues: [Matrix<Float>]?,
        at path: String, lanes: Lanes
    ) throws(Failure) {
        var parts: [(name: String, source: MatrixSource)] = []
        for (index, tensor) in inserted.tensors.enumerated() {
            let moments = optimizer.moments[index]
            var named = [("value", tensor.parameter.value), ("first", moments.first), ("second", moments.second)]
            if let bestValues { named.append(("best", bestValues[index])) }
            for (name, matrix) in named {
                parts.append(("\(name).\(index)", MatrixSource(matrix, shape: [matrix.rows, matrix.columns])))
            }
        }
        for (index, matrix) in inserted.moments.flatMap({ $0.state }).enumerated() {
            parts.append(("state.\(index)", MatrixSource(matrix, shape: [matrix.rows, matrix.columns])))
        }
        let text = String(decoding: JSONWriter.bytes(of: document, .compact), as: UTF8.self)
        let header = try SafetensorsWriter.headerBytes(
            tensors: parts.map { ($0.name, $0.source.dtype, $0.source.shape) }, metadata: [(Self.metadataKey, text)])
        let file = try OutputFile.create(at: path, replacing: true)
        try SafetensorsWriter.write(
            header: header.bytes, sources: header.order.map { parts[$0].source }, to: file, lanes: lanes)
        try file.commit()
    }

    /// The state in a file, its numbers put into the parameters, the optimizer and the methods, and those of the best step.
    ///
    /// Throws ``Failure/Code/notFound`` where there is none, and ``Failure/Code/resumeMismatch`` where it is of another run.
    package static func resume(
        from path: String, of run: RunIdentity, _ inserted: Inserted<Float>, _ optimizer: Optimizer<Float>
    ) throws(Failure) -> (state: TrainingState, best: [Matrix<Float>]?) {
        let file = try SafetensorsFile(InputFile(path: path))
        let state = try read(file, path: path)
        try run.checkSame(as: state.run, path: path)
        func fill(_ target: Matrix<Float>, _ name: String) throws(Failure) {
            guard let source = file.source(named: name) else {
                throw Failure(.weightsMissing, "the state of the run is incomplete", object: name, path: path)
            }
            target.copy(from: try Matrix(source, rows: target.rows, columns: target.columns, name: name))
        }
        var best: [Matrix<Float>] = []
        for (index, tensor) in inserted.tensors.enumerated() {
            let value = tensor.parameter.value
            try fill(value, "value.\(index)")
            try fill(optimizer.moments[index].first, "first.\(index)")
            try fill(optimizer.moments[index].second, "second.\(index)")
            guard state.best != nil else { continue }
            let matrix = Matrix<Float>(rows: value.rows, columns: value.columns)
            try fill(matrix, "best.\(index)")
            best.append(matrix)
        }
        for (index, matrix) in inserted.moments.flatMap({ $0.state }).enumerated() {
            try fill(matrix, "state.\(index)")
        }
        return (state, best.isEmpty ? nil : best)
    }

    private static func read(_ file: SafetensorsFile, path: String) throws(Failure) -> TrainingState {
        let none = Failure(.configInvalid, "this is no state of a run", path: path)
        guard let text = file.header.metadata?.first(where: { $0.key == metadataKey })?.value else { throw none }
        let document = try JSONValue.parse(Array(text.utf8), path: path)
        guard let run = RunIdentity(document["run"]), let step = document["step"]?.int, step >= 0 else { throw none }
        var state = TrainingState(of: run, step: step)
        if let best = document["bestStep"]?.int, let evaluation = document["best"].flatMap({ Evaluation($0) }) {
            state.best = (best, evaluation)
        }
        return state
    }

    private var document: JSONValue {
        [
            "run": run.document, "step": JSONValue(step),
            "bestStep": best.map { JSONValue($0.step) } ?? nil, "best": best.map(\.evaluation.document) ?? nil,
        ]
    }
}
