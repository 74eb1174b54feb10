import CKernels
import Support
import Testing

extension Bodies {
    @Suite("Few changes")
    struct SparseTests {
        @Test("changes are counted", arguments: limits, [1, 2, 4, 8])
        func counted(limit: Int, width: Int) {
            var random = RepeatableRandom(seed: 9)
            for count in counts {
                let base = random.bytes(count * width)
                let tuned = base.map { random.next() % 4 == 0 ? $0 ^ 0x80 : $0 }
                let expected = (0..<count).count {
                    base[$0 * width..<($0 + 1) * width] != tuned[$0 * width..<($0 + 1) * width]
                }
                let found = limited(to: limit) {
                    unsafe shifted(base) { from in
                        unsafe shifted(tuned) { unsafe tenon_count_changed(from, $0, count, width) }
                    }
                }
                #expect(found == expected, "\(count) elements")
            }
            let many = [UInt8](repeating: 1, count: 4096), none = [UInt8](repeating: 0, count: 4096)
            #expect(limited(to: limit) { unsafe tenon_count_changed(many, none, 4096 / width, width) } == 4096 / width)
        }

        @Test("gaps and differences, cut anywhere, and back", arguments: Kind.all, [1, 20, 256] as [UInt64])
        func gaps(kind: Kind, changed: UInt64) {
            var random = RepeatableRandom(seed: 10)
            for count in [0, 1, 7, 8, 9, 254, 255, 256, 511, 3000] {
                let (base, tuned) = kind.samples(count, changed: changed, &random)
                let (gaps, differences) = Self.expected(kind, base, tuned)
                let whole = encoded(kind, base, tuned, cut: count)
                #expect(whole.gaps == gaps)
                #expect(whole.differences == kind.bytes(differences))
                let cut = encoded(kind, base, tuned, cut: 1 + Int(random.next() % 600))
                #expect(cut.gaps == gaps)
                #expect(cut.differences == kind.bytes(differences))
                for step in [count, 1 + Int(random.next() % 600)] {
                    #expect(applied(kind, base, gaps, whole.differences, cut: step) == kind.bytes(tuned))
                }
            }
        }

        @Test("a gap of 255 goes on")
        func longGaps() {
            for gap in [0, 1, 254, 255, 256, 509, 510, 511] {
                let base = [UInt64](repeating: 1, count: gap + 3)
                var tuned = base
                tuned[gap] = 2
                let found = encoded(Kind.bf16, base, tuned, cut: 100)
                #expect(found.gaps == [UInt8](repeating: 255, count: gap / 255) + [UInt8(gap % 255)])
                #expect(found.differences == [2, 0])
            }
        }

        @Test("a stream that ends early leaves the rest, and one that is too long says so")
        func damaged() {
            let base = [UInt8](repeating: 5, count: 10)
            for (gaps, differences, done, isWhole, skip) in [
                ([3, 2], [2], 4, 1, 2),  // a difference is missing
                ([3], [2, 2], 4, 0, 0),  // a gap is missing
                ([255], [2], 0, 0, 255),  // the gap goes on
                ([9, 0], [2, 4], 10, 1, 0),  // just beyond the end
                ([12], [2], 10, 1, 2),  // beyond the end
                ([], [], 0, 0, 0),
            ] as [([UInt8], [UInt8], Int, Int32, UInt64)] {
                var values = base
                unsafe gaps.withUnsafeBufferPointer { gaps in
                    unsafe differences.withUnsafeBytes { differences in
                        var stream = unsafe tenon_sparse(
                            gaps: gaps.baseAddress, gap_count: gaps.count, differences: differences.baseAddress,
                            difference_count: differences.count, skip: 0, is_whole: 0)
                        #expect(unsafe tenon_sparse_apply(Int32(TENON_PLAIN8), &stream, &values, 10) == done)
                        #expect(unsafe stream.is_whole == isWhole)
                        #expect(unsafe stream.skip == skip)
                    }
                }
                #expect(values.count { $0 != 5 } <= differences.count)
            }
        }

        // MARK: Calling the kernels

        private static func expected(_ kind: Kind, _ base: [UInt64], _ tuned: [UInt64]) -> ([UInt8], [UInt64]) {
            var gaps: [UInt8] = [], differences: [UInt64] = [], gap = 0
            for (from, to) in zip(base, tuned) {
                guard from != to else {
                    gap += 1
                    continue
                }
                gaps += [UInt8](repeating: 255, count: gap / 255) + [UInt8(gap % 255)]
                differences.append(kind.difference(from, to))
                gap = 0
            }
            return (gaps, differences)
        }

        private func encoded(
            _ kind: Kind, _ base: [UInt64], _ tuned: [UInt64], cut: Int
        ) -> (gaps: [UInt8], differences: [UInt8]) {
            var pending: UInt64 = 0
            var all: (gaps: [UInt8], differences: [UInt8]) = ([], [])
            for start in stride(from: 0, to: base.count, by: max(cut, 1)) {
                let part = start..<min(start + cut, base.count)
                let from = kind.bytes(Array(base[part])), to = kind.bytes(Array(tuned[part]))
                let changed = unsafe tenon_count_changed(from, to, part.count, kind.width)
                var gaps = [UInt8](repeating: 0, count: changed + (Int(pending) + part.count) / 255)
                var size = tenon_sparse_size()
                let differences = unsafe written(changed * kind.width) {
                    unsafe size = tenon_sparse_encode(kind.id, from, to, part.count, &pending, &gaps, $0)
                }
                #expect(size.differences == changed)
                all.gaps += gaps.prefix(size.gaps)
                all.differences += differences
            }
            return all
        }

        private func applied(
            _ kind: Kind, _ base: [UInt64], _ gaps: [UInt8], _ differences: [UInt8], cut: Int
        ) -> [UInt8] {
            var result: [UInt8] = []
            unsafe gaps.withUnsafeBufferPointer { gaps in
                unsafe differences.withUnsafeBytes { differences in
                    var stream = unsafe tenon_sparse(
                        gaps: gaps.baseAddress, gap_count: gaps.count, differences: differences.baseAddress,
                        difference_count: differences.count / kind.width, skip: 0, is_whole: 0)
                    for start in stride(from: 0, to: base.count, by: max(cut, 1)) {
                        let part = start..<min(start + cut, base.count)
                        var values = kind.bytes(Array(base[part]))
                        _ = unsafe tenon_sparse_apply(kind.id, &stream, &values, part.count)
                        result += values
                    }
                    #expect(unsafe stream.gap_count == 0 && stream.difference_count == 0)
                    #expect(unsafe stream.skip == 0 && stream.is_whole == 0)
                }
            }
            return result
        }
    }
}
