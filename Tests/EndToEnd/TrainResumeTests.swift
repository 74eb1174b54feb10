import Files
import JSON
import Support
import Testing

@Suite("Going on with an interrupted training")
struct TrainResumeTests {
    private static let work = ".x.tenon.tenon-partial"

    /// Signals the tool as soon as a state is saved.
    private func interrupted(_ signal: String, _ command: [String], in place: TemporaryFolder) throws -> ToolRun {
        let words = command.map { "'\($0)'" }.joined(separator: " ")
        return try runShell(
            """
            (
                for i in $(seq 500); do
                    if [ -e \(Self.work)/state.safetensors ]; then break; fi
                    sleep 0.01
                done
                kill -\(signal) $$
            ) >/dev/null 2>&1 &
            exec tenon \(words)
            """, in: place.path)
    }

    @Test(
        "stopped by a signal, it keeps its state, and ends as if it had not been",
        arguments: [("INT", 130), ("TERM", 143)])
    func signals(_ signal: String, _ status: Int32) throws {
        try inFolder { place in
            try TrainingPlace.data(in: place, valid: 4)
            let more = ["--iters", "2000", "--steps-per-eval", "150", "--save-every", "100", "--dropout", "0.1"]
            let whole = try TrainingPlace.train(in: place, to: "whole.tenon", more)
            let run = try interrupted(signal, TrainingPlace.command(in: place, more), in: place)
            #expect(run.status == status && run.signal == nil, "\(run.errors)")
            expectErrorLines(run)
            #expect(run.errors.contains("--resume goes on "))
            #expect(try place.names().filter { $0.contains("x.tenon") } == [Self.work])
            #expect(try Folder.entries(of: place(Self.work)).map(\.name) == ["metrics.jsonl", "state.safetensors"])

            let resumed = try TrainingPlace.train(in: place, more + ["--resume"])
            #expect(try contents(of: place("x.loss.svg")) == contents(of: place("whole.loss.svg")))
            for key in ["contentDigest", "loss", "bestStep", "bestEvaluation"] { #expect(resumed[key] == whole[key]) }
            #expect(try contents(of: place("x.tenon")) == contents(of: place("whole.tenon")))
            #expect(
                try TrainingPlace.metrics(place("x.metrics.jsonl"))
                    == TrainingPlace.metrics(place("whole.metrics.jsonl")))
            #expect(try !exists(place(Self.work)))
        }
    }

    @Test(
        "what a method remembers, or found before the first step, is there again",
        arguments: [
            ["--method", "adalora", "--set", "init_r=4", "--set", "target_r=1", "--set", "tfinal=900"],
            ["--set", "init_lora_weights=\"eva\""], ["--set", "init_lora_weights=\"pissa\""],
        ])
    func methods(_ words: [String]) throws {
        try inFolder { place in
            try TrainingPlace.data(in: place)
            let more = words + ["--iters", "1000", "--save-every", "100"]
            let whole = try TrainingPlace.train(in: place, to: "whole.tenon", more)
            #expect(try interrupted("INT", TrainingPlace.command(in: place, more), in: place).status == 130)
            let resumed = try TrainingPlace.train(in: place, more + ["--resume"])
            #expect(resumed["contentDigest"] == whole["contentDigest"])
            #expect(try contents(of: place("x.tenon")) == contents(of: place("whole.tenon")))
        }
    }

    @Test("goes on only with what it was begun with")
    func otherRun() throws {
        try inFolder { place in
            try TrainingPlace.data(in: place)
            let more = ["--iters", "2000", "--save-every", "50"]
            #expect(try interrupted("INT", TrainingPlace.command(in: place, more), in: place).status == 130)
            let state = try contents(of: place(Self.work + "/state.safetensors"))
            let resume = TrainingPlace.command(in: place, more + ["--resume"])
            for (other, difference) in [
                (["--learning-rate", "1e-3"], "expected --learning-rate 0.02, found --learning-rate 0.001"),
                (["--rank", "4"], "expected --rank 8, found --rank 4"),
                (
                    ["--seed", "3", "--dropout", "0.5"],
                    "expected --seed 0, --dropout (none), found --seed 3, --dropout 0.5"
                ),
                (["--base", TrainingPlace.base("mistral")], "expected --base "),
            ] {
                try expectFailure(65, "resume-mismatch", resume + other)
                let errors = try runTool(resume + other).errors
                #expect(errors.contains(difference), "\(errors)")
            }
            try place.write(TrainingPlace.lines(10, seed: 5), to: "data/train.jsonl")
            try expectFailure(65, "resume-mismatch", resume)
            #expect(try contents(of: place(Self.work + "/state.safetensors")) == state)
            #expect(try runTool(resume).errors.contains("expected --data "))
            // What took so long is not thrown away unasked.
            for more in [[], ["--dry-run"]] {
                try expectFailure(73, "output-exists", TrainingPlace.command(in: place, more))
            }
            let errors = try runTool(TrainingPlace.command(in: place)).errors
            #expect(errors.contains("hint: --resume goes on with it, --force begins anew"))
            #expect(try contents(of: place(Self.work + "/state.safetensors")) == state)
            try succeed(TrainingPlace.command(in: place, ["--force"]))
            #expect(try place.names() == ["data", "x.loss.svg", "x.metrics.jsonl", "x.tenon"])
        }
    }

    @Test("where nothing was interrupted there is nothing to go on from")
    func nothing() throws {
        try inFolder { place in
            try TrainingPlace.data(in: place)
            try expectFailure(66, "not-found", TrainingPlace.command(in: place, ["--resume"]))
            #expect(try place.names() == ["data"])
        }
    }

    #if FaultInjection
        @Test("killed anywhere, it goes on with the last state that was whole")
        func killed() throws {
            try inFolder { place in
                try TrainingPlace.data(in: place, valid: 4)
                let more = ["--save-every", "2", "--steps-per-eval", "3"]
                let whole = try TrainingPlace.train(in: place, to: "whole.tenon", more)
                let metrics = try TrainingPlace.metrics(place("whole.metrics.jsonl"))
                var isDone = false
                var kills = 0
                for number in stride(from: 1, to: 600, by: 7) where !isDone {
                    let run = try runTool(
                        TrainingPlace.command(in: place, more),
                        environment: ["TENON_FAULT": "any@x.tenon:\(number)=kill"])
                    isDone = run.signal == nil
                    if !isDone { kills += 1 }
                    if try !exists(place("x.tenon")) {
                        let isSaved = try exists(place(Self.work + "/state.safetensors"))
                        if !isSaved {
                            try expectFailure(66, "not-found", TrainingPlace.command(in: place, more + ["--resume"]))
                        }
                        let report = try TrainingPlace.train(in: place, more + (isSaved ? ["--resume"] : []))
                        #expect(report["contentDigest"] == whole["contentDigest"])
                        #expect(try TrainingPlace.metrics(place("x.metrics.jsonl")) == metrics)
                        #expect(try !exists(place(Self.work)))
                    }
                    #expect(try contents(of: place("x.tenon")) == contents(of: place("whole.tenon")))
                    for name in try place.names() where name.hasPrefix("x.") || name.hasPrefix(".") {
                        try Folder.remove(place(name))
                    }
                }
                #expect(isDone && kills > 5)
            }
        }
    #endif
}
