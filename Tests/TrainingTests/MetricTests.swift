import Files
import JSON
import Support
import Testing
import Training

/// Metrics as scikit-learn and scipy compute them: `Scripts/make-metric-goldens`.
@Suite struct MetricTests {
    private static func goldens(_ part: String) throws -> [JSONValue] {
        let path = Paths.joined(HostileCase.root, "Fixtures/training/metrics/expected.json")
        return try #require(try JSONValue.parse(try contents(of: path))[part]?.array)
    }

    private static func isNear(_ a: Double?, _ b: JSONValue?) -> Bool {
        guard let a, let b = b?.double else { return a == nil && (b?.isNull ?? true) }
        return abs(a - b) <= 1e-12
    }

    @Test func classes() throws {
        let cases = try Self.goldens("classes")
        #expect(cases.count >= 8)
        for one in cases {
            let count = try #require(one["classes"]?.int)
            let labels = try #require(one["labels"]?.array).compactMap(\.int)
            let predictions = try #require(one["predictions"]?.array).compactMap(\.int)
            var counts = ClassCounts(classes: count)
            for (label, predicted) in zip(labels, predictions) { counts.add(predicted, for: label) }
            #expect(counts.total == labels.count)
            #expect(Self.isNear(counts.accuracy, one["accuracy"]))
            #expect(Self.isNear(counts.macroF1, one["macroF1"]))
            #expect(counts.f1 == (count == 2 && counts.total > 0 ? counts.f1(of: 1) : counts.macroF1))
            #expect(Self.isNear(counts.matthews, one["matthews"]))
            for (index, f1) in try #require(one["f1"]?.array).enumerated() {
                #expect(Self.isNear(counts.f1(of: index), f1))
            }
        }
        let none = ClassCounts(classes: 2)
        #expect(none.accuracy == nil && none.macroF1 == nil && none.matthews == nil && none.f1(of: 1) == 0)
    }

    @Test func correlations() throws {
        let cases = try Self.goldens("numbers")
        #expect(cases.count >= 8)
        for one in cases {
            let a = try #require(one["a"]?.array).compactMap(\.double)
            let b = try #require(one["b"]?.array).compactMap(\.double)
            #expect(Self.isNear(Correlation.pearson(a, b), one["pearson"]), "\(one)")
            #expect(Self.isNear(Correlation.spearman(a, b), one["spearman"]), "\(one)")
            #expect(Correlation.pearson(a, b) == Correlation.pearson(b, a))
        }
        #expect(Correlation.pearson([], []) == nil && Correlation.pearson([1], [1]) == nil)
        #expect(
            Correlation.pearson([1, .nan], [1, 2]) == nil && Correlation.spearman([1, .infinity], [1, 2]) == nil)
    }
}
