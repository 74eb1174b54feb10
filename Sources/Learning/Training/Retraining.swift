package import Adapters
package import Checkpoints
package import Diagnostics
package import Digests
import Insertions
import Interchange
import JSON
package import Parallelism

/// Trains an adapter again as its record says, to see that the same comes of it.
package struct Retraining: Sendable {
    package let base: Checkpoint
    package let data: TrainingData
    package let lanes: Lanes

    package init(base: Checkpoint, data: TrainingData, lanes: Lanes) {
        self.base = base
        self.data = data
        self.lanes = lanes
    }

    /// Throws ``Failure/Code/notTrained`` where the adapter has no record of a training that can be repeated, and
    /// ``Failure/Code/verificationFailed`` where the data are others, or something else comes of it than `contentDigest`.
    package func check(_ adapter: Adapter, contentDigest: Digest) throws(Failure) {
        let record = try TrainingRecord(of: adapter)
        guard !record.isContinued else {
            throw Failure(.notTrained, "the training went on from another adapter, which is not part of its record")
        }
        guard record.dataDigest == "\(data.digest)" else {
            throw Failure(
                .verificationFailed, "these are not the data that it was trained on", expected: record.dataDigest,
                actual: "\(data.digest)",
                hint: "where there was data to evaluate on, it counts too: name the folder with both")
        }
        guard let method = TrainableMethods.named(record.method), let members = record.parameters.object,
            let options = TrainingOptions(
                record.options, method: method, parameters: try Self.parameters(members))
        else {
            throw Failure(.notTrained, "the record of the training cannot be read", object: TrainingRecord.key)
        }
        let again = try TrainingJob(base: base, data: data, options: options, lanes: lanes).contentDigest()
        guard again == contentDigest else {
            throw Failure(
                .verificationFailed, "training again gives another adapter", expected: "\(contentDigest)",
                actual: "\(again)", hint: "exponentials differ in the last bit between SIMD levels; see tenon --version"
            )
        }
    }

    private static func parameters(_ members: JSONObject) throws(Failure) -> Parameters {
        var parameters = Parameters()
        for (key, value) in members.members { parameters[key] = try ParameterValue(value) }
        return parameters
    }
}
