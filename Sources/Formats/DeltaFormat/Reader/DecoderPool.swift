import Diagnostics
import Synchronization

/// Decoders that wait for their next reader: as many as ever read at once.
final class DecoderPool: Sendable {
    private let idle = Mutex<[ChunkDecoder]>([])

    func take() throws(Failure) -> ChunkDecoder {
        if let decoder = idle.withLock({ $0.popLast() }) { return decoder }
        return try ChunkDecoder()
    }

    func giveBack(_ decoder: ChunkDecoder) {
        idle.withLock { $0.append(decoder) }
    }
}
