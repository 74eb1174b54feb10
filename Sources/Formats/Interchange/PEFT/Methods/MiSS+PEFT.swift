import Adapters

extension PEFTMethod {
    static let miss = PEFTMethod("MISS", .miss, rules: [KeyRule("miss_block", .shards, .value)] + KeyRule.besides)
}
