package import Adapters
package import Architectures
package import Insertions
package import Kernels

/// What decides the result of a training run, besides base and data. Two runs with the same give the same bytes.
package struct TrainingOptions: Sendable {
    package var method: any TrainableMethod
    /// The method's config, as PEFT names its keys.
    package var parameters: Parameters
    /// What the model is trained to do; nil for what the base's config says.
    package var task: ModelTask?
    /// How many classes there are; nil for as many as the base's config says.
    package var labels: Int?
    /// Whether the head is made anew, whatever head the base has.
    package var makesHead = false
    /// Rows of a batch.
    package var batchSize = 4
    /// Batches of a step.
    package var accumulation = 1
    package var steps = 1000
    package var schedule = LearningRateSchedule.Shape.constant
    package var warmupSteps = 0
    /// Its learning rate is the highest of the schedule.
    package var optimizer: AdamW
    package var gradientLimit = 1.0
    /// The longest row, in tokens.
    package var maximumLength = 2048
    package var seed: UInt64 = 0
    /// What of the data is learned.
    package var form = DataForm()
    /// Steps from one evaluation to the next; 0 for none before the end.
    package var stepsPerEvaluation = 200
    /// Evaluations without a better loss after which training stops; nil for never.
    package var patience: Int?

    package init(_ method: any TrainableMethod) {
        self.method = method
        parameters = method.standard
        optimizer = AdamW(learningRate: method.learningRate)
    }

    package var rates: LearningRateSchedule {
        LearningRateSchedule(schedule, peak: optimizer.learningRate, warmupSteps: warmupSteps, totalSteps: steps)
    }
}
