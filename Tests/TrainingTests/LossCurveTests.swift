import Testing
import Training

@Suite struct LossCurveTests {
    private func metrics(_ losses: [Double], evaluations: [Int: Double] = [:]) -> [TrainingMetrics] {
        losses.enumerated().map { place, loss in
            var one = TrainingMetrics(step: place + 1, loss: loss, learningRate: 1, gradientNorm: 1, tokens: 9)
            one.evaluation = evaluations[place + 1].map { Evaluation(loss: $0, count: 9, metrics: [.accuracy: 0.5]) }
            return one
        }
    }

    /// The elements of an XML text, which must be well formed.
    private func elements(_ text: String) throws -> [String] {
        var open: [String] = []
        var names: [String] = []
        let tag = /<(\/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<>&]*")*)(\/?)>/
        for match in text.matches(of: tag) {
            let name = String(match.output.2)
            if !match.output.1.isEmpty {
                #expect(open.popLast() == name)
            } else {
                names.append(name)
                if match.output.4.isEmpty { open.append(name) }
            }
        }
        #expect(open.isEmpty)
        let between = text.replacing(tag, with: "")
        #expect(!between.contains("<") && !between.contains(">") && !between.contains("&"))
        return names
    }

    @Test(
        arguments: [
            ([], [:]), ([4.5], [:]), ([4.5], [1: 4.4]), ([3, 3, 3], [:]), ([4, 3, 2.5, 2.25], [2: 3.5, 4: 2.75]),
            ([1e-9, 1e12, 0], [:]), (Array(repeating: 1, count: 500), [500: 1]),
        ] as [([Double], [Int: Double])])
    func wellFormed(_ losses: [Double], _ evaluations: [Int: Double]) throws {
        let svg = LossCurve.svg(metrics(losses, evaluations: evaluations))
        let names = try elements(svg)
        #expect(names.first == "svg" && names.count { $0 == "polyline" } == 1)
        #expect(names.count { $0 == "circle" } == evaluations.count)
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test func goesFromTheTopLeftToTheBottomRight() throws {
        let svg = LossCurve.svg(metrics([4, 3, 2], evaluations: [3: 2]))
        let points = try #require(svg.firstMatch(of: /points="([^"]*)"/)).output.1.split(separator: " ")
        #expect(points == ["56.0,16.0", "380.0,168.0", "704.0,320.0"])
        #expect(svg.contains("cx=\"704.0\" cy=\"320.0\"") && svg.contains("step 3: evaluation 2.0000"))
    }
}
