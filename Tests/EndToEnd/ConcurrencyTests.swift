import Files
import Support
import Testing

@Suite("Several at once to one output")
struct ConcurrencyTests {
    @Test("one makes it, the others are told that it is busy", arguments: ["", "--force", "--resume"])
    func race(flag: String) throws {
        try inFolder { place in
            let apply = "tenon apply '\(Fixtures.path("lora-llama"))' --base '\(Models.path("llama"))' --shard-size 20K"
            try #require(try runShell("\(apply) -o whole", in: place.path).status == 0)
            for _ in 0..<8 {
                let run = try runShell(
                    """
                    for number in 1 2 3 4; do
                        { \(apply) -o out \(flag) 2>/dev/null >/dev/null; echo $?; } &
                    done
                    wait
                    """, in: place.path)
                let statuses = run.output.split(separator: "\n").map(String.init)
                #expect(statuses.count == 4)
                #expect(statuses.contains("0"))
                // 73 for who came when it was there.
                #expect(Set(statuses).isSubset(of: flag == "--force" ? ["0", "75"] : ["0", "73", "75"]))
                if flag != "--force" { #expect(statuses.count { $0 == "0" } == 1) }
                try expectSameFiles(place("whole"), place("out"))
                #expect(try place.names() == ["out", "whole"])
                try Folder.remove(place("out"))
            }
        }
    }

    @Test("one trains, the others are told that it is busy", arguments: ["", "--force"])
    func trainings(flag: String) throws {
        try inFolder { place in
            try TrainingPlace.data(in: place)
            let words = TrainingPlace.command(in: place, ["--save-every", "2", "--iters", "40"]).map { "'\($0)'" }
            let train = "tenon \(words.joined(separator: " ")) \(flag)"
            for _ in 0..<4 {
                let run = try runShell(
                    """
                    for number in 1 2 3; do
                        { \(train) 2>/dev/null >/dev/null; echo $?; } &
                    done
                    wait
                    """, in: place.path)
                let statuses = run.output.split(separator: "\n").map(String.init)
                #expect(statuses.count == 3 && statuses.contains("0"))
                #expect(Set(statuses).isSubset(of: flag == "--force" ? ["0", "75"] : ["0", "73", "75"]))
                if flag != "--force" { #expect(statuses.count { $0 == "0" } == 1) }
                #expect(try place.names() == ["data", "x.loss.svg", "x.metrics.jsonl", "x.tenon"])
                try succeed(["verify", place("x.tenon")])
                for name in try place.names() where name.hasPrefix("x.") { try Folder.remove(place(name)) }
            }
        }
    }
}
