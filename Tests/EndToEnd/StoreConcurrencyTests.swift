import Files
import JSON
import Support
import Testing

/// Four that write, two that read and one that collects, at the same time, some of them killed; with TENON_SOAK=1 for a
/// minute.
@Suite("A store that many use at once")
struct StoreConcurrencyTests {
    private static let script = """
        end=$(($(date +%s) + $SECONDS_TO_RUN))
        # Runs tenon and, now and then, kills it a moment later.
        some() {
            if [ $((RANDOM % 8)) = 0 ]; then
                tenon store "$@" --store s --wait 20 >>out.log 2>>err.log &
                victim=$!
                sleep 0.0$((RANDOM % 5))
                kill -9 $victim 2>/dev/null
                wait $victim 2>/dev/null
            else
                tenon store "$@" --store s --wait 20 >>out.log 2>>err.log
                status=$?
                # Not there and taken by others are answers, and so is busy.
                case $status in 0|66|73|75) ;; *) echo "$status: $*" >>bad.log ;; esac
                if [ $status = 0 ]; then echo "$1" >>did.log; fi
            fi
        }
        going() { [ "$(date +%s)" -lt "$end" ]; }
        writer() {
            RANDOM=$1
            while going; do
                adapter=$((RANDOM % 4))
                case $((RANDOM % 4)) in
                    0|1) some add "$FIXTURES/$(set -- lora-llama loha ia3 lokr; shift $adapter; echo $1)" \\
                        --name "n$((RANDOM % 6)):v$((RANDOM % 3))" --force ;;
                    2) some tag "n$((RANDOM % 6)):v$((RANDOM % 3))" "n$((RANDOM % 6)):v$((RANDOM % 3))" --force ;;
                    3) some remove "n$((RANDOM % 6)):v$((RANDOM % 3))" ;;
                esac
            done
        }
        reader() {
            RANDOM=$1
            while going; do
                if [ $((RANDOM % 2)) = 0 ]; then some list
                else some get "n$((RANDOM % 6)):v$((RANDOM % 3))" -o "got$1.tenon" --force; fi
            done
        }
        collector() { RANDOM=$1; while going; do some gc --grace 0; sleep 0.05; done; }
        for number in 1 2 3 4; do writer $number & done
        for number in 5 6; do reader $number & done
        collector 7 &
        wait
        """

    @Test("is sound after each has done its part or died")
    func race() throws {
        let seconds = Syscalls.environment("TENON_SOAK") == nil ? 2 : 60
        try inFolder { place in
            let store = try StoreFixture(in: place, named: "s")
            let path = Paths.parent(of: try toolPath()) + ":" + (Syscalls.environment("PATH") ?? "/usr/bin:/bin")
            let run = try runTool(
                ["-c", "cd '\(place.path)' || exit 99\n" + Self.script],
                environment: [
                    "PATH": path, "FIXTURES": Paths.parent(of: Fixtures.path("loha")), "SECONDS_TO_RUN": "\(seconds)",
                ],
                executable: "/bin/bash", secondsAllowed: seconds + 90)
            #expect(run.status == 0 && !run.timedOut, "\(run.errors)")
            let bad =
                try exists(place("bad.log")) ? String(decoding: contents(of: place("bad.log")), as: UTF8.self) : ""
            let errors = String(decoding: try contents(of: place("err.log")), as: UTF8.self)
            #expect(bad == "", "\(errors.suffix(2000))")
            let did = String(decoding: try contents(of: place("did.log")), as: UTF8.self).split(separator: "\n")
            if seconds > 2 {
                let counts = Dictionary(grouping: did) { $0 }.map { "\($0.key) \($0.value.count)" }.sorted()
                print("done at once: \(counts.joined(separator: ", "))")
            }
            for verb in ["add", "gc", "list"] { #expect(did.contains { $0 == verb }, "no \(verb) was done") }
            try store.expectSound()
            try store.run(["gc", "--grace", "0"])
            try store.expectSound()
            // The reflog and the objects alone give the same names.
            let names = try store.names()
            try Folder.remove(store("catalog.db"))
            try store.run(["repair"])
            try store.expectSound()
            #expect(try store.names() == names)
        }
    }
}
