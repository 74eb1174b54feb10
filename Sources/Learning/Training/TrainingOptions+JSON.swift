package import Adapters
import Architectures
package import Insertions
package import JSON
import Kernels

extension TrainingOptions {
    /// All that decides a run's result besides base, data and the method's config.
    package var document: JSONValue {
        var members = JSONObject()
        // Left out where nothing was said.
        if let task { members["task"] = .string(task.rawValue) }
        if let labels { members["labels"] = JSONValue(labels) }
        if makesHead { members["newHead"] = true }
        for (key, value) in numbers.object?.members ?? [] { members[key] = value }
        for (key, value) in form.members { members[key] = value }
        return .object(members)
    }

    private var numbers: JSONValue {
        [
            "batchSize": JSONValue(batchSize), "accumulation": JSONValue(accumulation), "steps": JSONValue(steps),
            "learningRate": JSONValue(optimizer.learningRate), "schedule": .string(schedule.rawValue),
            "warmupSteps": JSONValue(warmupSteps), "beta1": JSONValue(optimizer.beta1),
            "beta2": JSONValue(optimizer.beta2), "epsilon": JSONValue(optimizer.epsilon),
            "weightDecay": JSONValue(optimizer.weightDecay), "gradientLimit": JSONValue(gradientLimit),
            "maximumLength": JSONValue(maximumLength), "seed": .string("\(seed)"),
            "stepsPerEvaluation": JSONValue(stepsPerEvaluation), "patience": patience.map { JSONValue($0) } ?? nil,
        ]
    }

    /// Reads what ``document`` wrote; nil for anything else.
    package init?(_ document: JSONValue, method: any TrainableMethod, parameters: Parameters) {
        self.init(method)
        guard let batchSize = document["batchSize"]?.int, let accumulation = document["accumulation"]?.int,
            let steps = document["steps"]?.int, let rate = document["learningRate"]?.double,
            let schedule = document["schedule"]?.string.flatMap(LearningRateSchedule.Shape.init),
            let warmup = document["warmupSteps"]?.int, let beta1 = document["beta1"]?.double,
            let beta2 = document["beta2"]?.double, let epsilon = document["epsilon"]?.double,
            let decay = document["weightDecay"]?.double, let limit = document["gradientLimit"]?.double,
            let length = document["maximumLength"]?.int, let seed = document["seed"]?.string.flatMap({ UInt64($0) }),
            let perEvaluation = document["stepsPerEvaluation"]?.int
        else { return nil }
        let sizes = 1...(1 << 24)
        guard sizes.contains(batchSize), sizes.contains(accumulation), sizes.contains(steps), sizes.contains(length),
            (0...(1 << 24)).contains(warmup), rate > 0, rate.isFinite
        else { return nil }
        self.parameters = parameters
        task = document["task"]?.string.flatMap(ModelTask.init)
        labels = document["labels"]?.int
        makesHead = document["newHead"]?.bool ?? false
        self.batchSize = batchSize
        self.accumulation = accumulation
        self.steps = steps
        optimizer.learningRate = rate
        self.schedule = schedule
        warmupSteps = warmup
        optimizer.beta1 = beta1
        optimizer.beta2 = beta2
        optimizer.epsilon = epsilon
        optimizer.weightDecay = decay
        gradientLimit = limit
        maximumLength = length
        self.seed = seed
        stepsPerEvaluation = perEvaluation
        patience = document["patience"]?.int
        form = DataForm(document)
    }
}
