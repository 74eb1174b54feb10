package import Digests

/// All shards of a checkpoint at once.
extension FingerprintCache {
    /// The digests of all tensors' data, in the order of ``Checkpoint/tensors``; nil where one is not known for sure.
    package func digests(of checkpoint: Checkpoint) -> [Digest]? {
        var known: [[Digest]] = []
        for shard in checkpoint.shards {
            guard let digests = digests(of: shard.file) else { return nil }
            known.append(digests)
        }
        return checkpoint.tensors.map { known[$0.shard][$0.position] }
    }

    /// Keeps the digests of all tensors of a checkpoint whose files are as they were when they were opened.
    package func keep(_ digests: [Digest], of checkpoint: Checkpoint) {
        var all = checkpoint.shards.map { [Digest](repeating: .zero, count: $0.file.tensors.count) }
        for (tensor, digest) in zip(checkpoint.tensors, digests) { all[tensor.shard][tensor.position] = digest }
        for (shard, digests) in zip(checkpoint.shards, all) { keep(digests, of: shard.file) }
    }
}
