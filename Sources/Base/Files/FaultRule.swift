#if FaultInjection
    package import Diagnostics

    #if canImport(Darwin)
        import Darwin
    #elseif canImport(Musl)
        import Musl
    #else
        import Glibc
    #endif

    /// One rule of a ``FaultPlan``.
    package struct FaultRule: Equatable, Sendable {
        package enum Trigger: Equatable {
            /// The `first` call of a kind (nil: of any), and those after it where it `persists`.
            case call(Call?, first: Int, persists: Bool)
            /// So many bytes of output.
            case bytes(Int)
        }

        package enum Effect: Equatable {
            case fail(Errno)
            case short(Int)
            case kill
        }

        package let trigger: Trigger
        /// What the path must contain; empty for every path.
        package let text: String
        package let effect: Effect

        /// Reads a plan, `RULE,RULE…`.
        package static func parse(_ plan: String) throws(Failure) -> [FaultRule] {
            var rules: [FaultRule] = []
            for text in plan.split(separator: ",", omittingEmptySubsequences: true) {
                guard let rule = FaultRule(text) else {
                    throw Failure(
                        .usage, "not a fault rule", object: String(text),
                        hint: "CALL[@TEXT][:N[+]]=ERRNO|short:COUNT|kill, as in write:3=ENOSPC")
                }
                rules.append(rule)
            }
            return rules
        }

        private init?(_ rule: Substring) {
            guard let equals = rule.lastIndex(of: "=") else { return nil }
            var head = rule[..<equals]
            guard let effect = Effect(rule[rule.index(after: equals)...]) else { return nil }

            var number: Int?
            var persists = false
            if let colon = head.lastIndex(of: ":") {
                var digits = head[head.index(after: colon)...]
                if digits.last == "+" {
                    persists = true
                    digits.removeLast()
                }
                guard let value = Int(digits), value > 0 else { return nil }
                number = value
                head = head[..<colon]
            }
            let parts = head.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first else { return nil }
            text = parts.count > 1 ? String(parts[1]) : ""

            if name == "bytes" {
                guard let number, !persists, effect == .kill else { return nil }
                trigger = .bytes(number)
            } else {
                let call = Call(rawValue: String(name))
                guard call != nil || name == "any" else { return nil }
                trigger = .call(call, first: number ?? 1, persists: persists || number == nil)
            }
            self.effect = effect
        }
    }

    extension FaultRule.Effect {
        fileprivate init?(_ text: Substring) {
            if text == "kill" {
                self = .kill
            } else if text.hasPrefix("short:") {
                guard let count = Int(text.dropFirst(6)), count >= 0 else { return nil }
                self = .short(count)
            } else {
                guard let number = Int32(text) ?? errnoNumbers[String(text)], number > 0 else { return nil }
                self = .fail(Errno(number))
            }
        }
    }

    private let errnoNumbers: [String: Int32] = [
        "EACCES": EACCES, "EAGAIN": EAGAIN, "EBADF": EBADF, "EBUSY": EBUSY, "EDQUOT": EDQUOT, "EEXIST": EEXIST,
        "EFBIG": EFBIG, "EINTR": EINTR, "EINVAL": EINVAL, "EIO": EIO, "EISDIR": EISDIR, "ELOOP": ELOOP,
        "EMFILE": EMFILE, "ENAMETOOLONG": ENAMETOOLONG, "ENFILE": ENFILE, "ENOENT": ENOENT, "ENOMEM": ENOMEM,
        "ENOSPC": ENOSPC, "ENOSYS": ENOSYS, "ENOTDIR": ENOTDIR, "ENOTEMPTY": ENOTEMPTY, "ENOTSUP": ENOTSUP,
        "ENXIO": ENXIO, "EPERM": EPERM, "EPIPE": EPIPE, "EROFS": EROFS, "ESTALE": ESTALE, "EXDEV": EXDEV,
    ]
#endif
