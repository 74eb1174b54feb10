import Architectures
import Diagnostics
import Files
import Layers
import Support
import Testing
import Training

/// Rows for classes, values and masked tokens.
@Suite struct TaskDataTests {
    private func options(_ task: ModelTask, labels: Int = 3, types: Int = 2) -> DataOptions {
        var options = DataOptions(vocabularySize: 100, maximumLength: 4, isStrict: true)
        options.task = task
        options.classCount = labels
        options.typeCount = types
        return options
    }

    private func rows(_ text: String, _ options: DataOptions) throws -> [Row] {
        let place = try TemporaryFolder()
        return try DataSet(path: place.write(Array(text.utf8), to: "x.jsonl"), options: options).rows
    }

    @Test func classes() throws {
        let text = """
            {"input_ids": [5, 6, 7, 8, 9], "label": 2, "token_type_ids": [0, 0, 1, 1, 1]}
            {"input_ids": [5], "label": 0, "labels": "ignored"}

            """
        let rows = try rows(text, options(.classification))
        #expect(rows[0].question == .whole(2) && rows[0].types == [0, 0, 1, 1] && rows[0].inputs == [5, 6, 7, 8])
        #expect(rows[1].question == .whole(0) && rows[1].types.isEmpty && rows[1].labeledTokenCount == 1)
        let batch = try #require(Packing.batches(of: rows, tokensPerPass: 10).first)
        #expect(batch.targets == [2, 0] && batch.types == [0, 0, 1, 1, 0] && batch.askedCount == 2)
        #expect(batch.labels.allSatisfy { $0 == Batch.ignored })
    }

    @Test func values() throws {
        let rows = try rows("{\"input_ids\": [5, 6], \"label\": -0.5}\n", options(.regression))
        #expect(rows[0].question == .whole(-0.5))
    }

    @Test("labels stand at their own tokens", arguments: [ModelTask.tokenClassification, .masked])
    func tokens(_ task: ModelTask) throws {
        let rows = try rows("{\"input_ids\": [5, 6, 7], \"labels\": [2, -100, 1]}\n", options(task))
        #expect(rows[0].question == .own && rows[0].labeledTokenCount == 2)
        let batch = try #require(Packing.batches(of: rows, tokensPerPass: 10).first)
        #expect(batch.labels == [2, Batch.ignored, 1] && batch.targets.isEmpty && batch.askedCount == 2)
    }

    @Test(
        "what a task cannot use is refused",
        arguments: [
            (ModelTask.classification, "{\"input_ids\": [5]}"), (.classification, "{\"input_ids\": [5], \"label\": 3}"),
            (.classification, "{\"input_ids\": [5], \"label\": -1}"),
            (.classification, "{\"input_ids\": [5], \"label\": 0.5}"),
            (.classification, "{\"input_ids\": [5], \"label\": \"good\"}"),
            (.classification, "{\"input_ids\": [5, 6], \"label\": 1, \"token_type_ids\": [0]}"),
            (.classification, "{\"input_ids\": [5, 6], \"label\": 1, \"token_type_ids\": [0, 2]}"),
            (.regression, "{\"input_ids\": [5], \"label\": 1e999}"), (.regression, "{\"label\": 1}"),
            (.regression, "{\"input_ids\": [5], \"label\": \"high\"}"),
            (.classification, "{\"text\": \"a\", \"label\": 1}"),
            (.tokenClassification, "{\"input_ids\": [5, 6], \"labels\": [0, 3]}"),
            (.tokenClassification, "{\"input_ids\": [5, 6], \"labels\": [0]}"),
            (.tokenClassification, "{\"text\": \"a\", \"labels\": [0]}"), (.masked, "{\"input_ids\": [5, 6]}"),
            (.masked, "{\"input_ids\": [5, 6], \"labels\": [-100, 100]}"),
        ])
    func refused(_ task: ModelTask, _ line: String) throws {
        let failure = #expect(throws: Failure.self) { try rows(line + "\n", options(task)) }
        #expect(failure?.code == .badDataLine && failure?.object == "line 1")
    }

    @Test("rows of other questions have other digests") func digests() {
        let labels: [Int32] = [5, 6]
        let rows = [
            Row(inputs: labels, labels: labels, line: 1), Row(inputs: labels, labels: labels, question: .own, line: 1),
            Row(inputs: labels, labels: labels, question: .own, types: [0, 1], line: 1),
            Row(inputs: labels, labels: labels, question: .whole(1), line: 1),
            Row(inputs: labels, labels: labels, question: .whole(2), line: 1),
        ]
        #expect(Set(rows.map { DataDigest.of([$0]) }).count == rows.count)
        let typed = Row(inputs: labels, labels: labels, question: .own, types: [0, 0], line: 1)
        #expect(DataDigest.of([typed]) == DataDigest.of([rows[1]]))
    }
}
