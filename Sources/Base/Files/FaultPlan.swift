#if FaultInjection
    import Diagnostics
    import Synchronization

    /// Faults that system calls are made to have, for tests.
    ///
    /// A plan is a list of rules joined by commas, `CALL[@TEXT][:N[+]]=EFFECT`: the Nth `CALL` (each, where N is missing;
    /// each from the Nth on with `+`) about a path that contains `TEXT` has the effect
    /// - an errno, by name or number: the call fails, `write:3=ENOSPC`;
    /// - `short:COUNT`: it moves so many bytes at most, `pread:2=short:100`;
    /// - `kill`: the process dies by SIGKILL before it, `pwrite@adapter:5=kill`.
    ///
    /// `bytes[@TEXT]:N=kill` lets the process die once exactly N bytes of output were written. `any` stands for each call.
    /// The variable `TENON_FAULT` holds a plan for the whole process.
    package enum FaultPlan {
        /// Runs `body` under `plan`, which touches only paths that contain `text`, so that tests can run side by side.
        package static func with<Value, E: Error>(
            _ plan: String, on text: String, _ body: () throws(E) -> Value
        ) throws(E) -> Value {
            let rules: [FaultRule]
            do throws(Failure) {
                rules = try FaultRule.parse(plan)
            } catch {
                preconditionFailure("\(error)")
            }
            let scope = FaultTable.shared.add(rules, scope: text)
            defer { FaultTable.shared.remove(scope) }
            return try body()
        }

        /// The same for a call that a library makes itself, such as SQLite; `call` is what comes nearest to it.
        package static func meet(_ call: Call, _ path: String) throws(Errno) {
            _ = try visit(call, path, count: 0)
        }

        /// Whether there is any rule.
        package static var isActive: Bool { FaultTable.shared.isActive }

        /// Fails a call as the plan has it, or tells how many of `count` bytes it may move.
        @inline(__always)
        static func visit(_ call: Call, _ path: String, count: Int) throws(Errno) -> Int {
            guard FaultTable.shared.isActive else { return count }
            return try FaultTable.shared.visit(call, path, count: count)
        }

        @inline(__always)
        static func noteOutput(_ count: Int, _ path: String) {
            if FaultTable.shared.isActive { FaultTable.shared.noteOutput(count, path) }
        }
    }

    /// The rules in force.
    private final class FaultTable: Sendable {
        static let shared = FaultTable()

        private struct Entry {
            let scope: Int
            let scopeText: String
            let rule: FaultRule
            /// Matching calls, or bytes of output, so far.
            var seen = 0

            func matches(_ path: String) -> Bool {
                (scopeText.isEmpty || path.contains(scopeText)) && (rule.text.isEmpty || path.contains(rule.text))
            }
        }

        private let count = Atomic<Int>(0)
        private let state: Mutex<(entries: [Entry], nextScope: Int)>

        init() {
            var rules: [FaultRule] = []
            if let plan = Syscalls.environment("TENON_FAULT") {
                do throws(Failure) {
                    rules = try FaultRule.parse(plan)
                } catch {
                    // A test whose plan is misspelt must not go on as if it had none.
                    Syscalls.stop(saying: "tenon: error: TENON_FAULT: \(error)\n", error.code.status.rawValue)
                }
            }
            state = Mutex((rules.map { Entry(scope: 0, scopeText: "", rule: $0) }, 1))
            count.store(rules.count, ordering: .relaxed)
        }

        var isActive: Bool { count.load(ordering: .relaxed) != 0 }

        func add(_ rules: [FaultRule], scope text: String) -> Int {
            state.withLock { state in
                let scope = state.nextScope
                state.nextScope += 1
                state.entries += rules.map { Entry(scope: scope, scopeText: text, rule: $0) }
                count.store(state.entries.count, ordering: .relaxed)
                return scope
            }
        }

        func remove(_ scope: Int) {
            state.withLock { state in
                state.entries.removeAll { $0.scope == scope }
                count.store(state.entries.count, ordering: .relaxed)
            }
        }

        func visit(_ call: Call, _ path: String, count: Int) throws(Errno) -> Int {
            let (allowed, error, dies) = state.withLock { state -> (Int, Errno?, Bool) in
                var allowed = count
                var error: Errno?
                var dies = false
                for index in state.entries.indices where state.entries[index].matches(path) {
                    let entry = state.entries[index]
                    switch entry.rule.trigger {
                    case .bytes(let limit):
                        // What crosses the line is cut there, so that the file ends at that very byte.
                        if call == .write || call == .pwrite { allowed = min(allowed, max(1, limit - entry.seen)) }
                    case .call(let wanted, let first, let persists):
                        guard wanted == nil || wanted == call else { continue }
                        state.entries[index].seen += 1
                        guard persists ? entry.seen + 1 >= first : entry.seen + 1 == first else { continue }
                        switch entry.rule.effect {
                        case .fail(let errno): error = error ?? errno
                        case .short(let limit): allowed = min(allowed, limit)
                        case .kill: dies = true
                        }
                    }
                }
                return (allowed, error, dies)
            }
            if dies { Syscalls.die() }
            if let error { throw error }
            return allowed
        }

        func noteOutput(_ count: Int, _ path: String) {
            let dies = state.withLock { state in
                var dies = false
                for index in state.entries.indices where state.entries[index].matches(path) {
                    guard case .bytes(let limit) = state.entries[index].rule.trigger else { continue }
                    state.entries[index].seen += count
                    if state.entries[index].seen >= limit { dies = true }
                }
                return dies
            }
            if dies { Syscalls.die() }
        }
    }
#endif
