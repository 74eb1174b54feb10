extension [Int] {
    /// Zero, and after each element the sum so far.
    func prefixSums() -> [Int] {
        var sums = [0]
        sums.reserveCapacity(count + 1)
        for number in self { sums.append(sums[sums.count - 1] + number) }
        return sums
    }

    /// In sums that ascend from zero: the last one not above `value`.
    func place(of value: Int) -> Int {
        var low = 0
        var high = count
        while high - low > 1 {
            let middle = (low + high) / 2
            if self[middle] <= value { low = middle } else { high = middle }
        }
        return low
    }
}
