import Diagnostics
import Testing

@Suite("Failures")
struct FailureTests {
    @Test("say what, where and why on one line")
    func description() {
        #expect(Failure(.truncated, "it ends").description == "it ends")
        #expect(Failure(.truncated, "it ends", path: "a").description == "it ends (a)")
        let full = Failure(
            .chunkCorrupt, "it is damaged", object: "q\u{1B}[m", offset: 7, path: "a\nb", expected: "1", actual: "2",
            hint: "get it again", cause: "no luck")
        #expect(full.description == #"it is damaged: expected 1, found 2: no luck (a\u{a}b, q\u{1b}[m, offset 7)"#)
        #expect(Failure(.limit, "too much", expected: "1").description == "too much: expected 1")
        #expect(Failure(.limit, "too much", actual: "2").description == "too much: found 2")
    }

    @Test("keep what a deeper layer said")
    func layers() {
        let failure = Failure(.limit, "too much").at(path: "inner").at(path: "outer").on("x").on("y").hint("a").hint(
            "b")
        #expect(failure.path == "inner" && failure.object == "x" && failure.hints == ["a", "b"])
    }

    @Test("codes are different words, each in lower case with hyphens")
    func codes() {
        let words = Failure.Code.all.map(\.word)
        #expect(Set(words).count == words.count)
        for word in words { #expect(word.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)*/) != nil, "\(word)") }
        #expect(Failure.Code.truncated == Failure.Code.all[0] && Failure.Code.limit != .tooLarge)
    }

    @Test("statuses are those of sysexits(3) and diff(1)")
    func statuses() {
        let numbers = ExitStatus.allCases.map(\.rawValue)
        #expect(numbers == [0, 1, 64, 65, 66, 70, 73, 74, 75, 77, 130, 143])
        #expect(Failure.Code.verificationFailed.status == .no)
        #expect(Failure.Code.all.filter { $0.status == .no } == [.gateNotMet, .verificationFailed])
        #expect(Failure.Code.closedPipe.status == .done)
    }

    @Test("findings are escaped too")
    func findings() {
        #expect(Finding("x", "odd", object: "a\u{202E}").description == #"odd (a\u{202e})"#)
        #expect(Finding("x", "odd").description == "odd")
    }

    @Test("a budget gives at least one lane and no more than were wanted")
    func budget() {
        #expect(MemoryBudget(bytes: 100).lanes(wanted: 8, perLane: 30) == 3)
        #expect(MemoryBudget(bytes: 100).lanes(wanted: 2, perLane: 30) == 2)
        #expect(MemoryBudget(bytes: 10).lanes(wanted: 8, perLane: 30) == 1)
        #expect(MemoryBudget(bytes: 10).lanes(wanted: 8, perLane: 0) == 8)
        #expect(MemoryBudget.standard.bytes == 1 << 30)
    }
}
