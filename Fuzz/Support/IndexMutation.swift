import Adapters
import DeltaFormat
import Digests
import Tensors

/// `bytes`, an index, changed record by record so that its counts still add up; changed plainly where it is no index.
package func mutatedIndex(_ bytes: [UInt8], _ dice: inout Dice) -> [UInt8] {
    guard var index = try? Index(parsing: unsafe bytes.span.bytes, offset: 0) else { return plainlyMutated(bytes) }
    for _ in 0...dice.roll(3) { index.change(&dice) }
    if dice.roll(4) > 0 { index.fitPlanes() }
    return index.serialized()
}

extension Index {
    fileprivate mutating func change(_ dice: inout Dice) {
        switch dice.roll(12) {
        case 0...2 where !tensors.isEmpty: tensors[dice.roll(tensors.count)].change(&dice)
        case 3...4 where !entries.isEmpty: changeEntry(dice.roll(entries.count), &dice)
        case 5 where !entries.isEmpty: duplicateOrRemoveEntry(dice.roll(entries.count), &dice)
        case 6 where !planes.isEmpty:
            let place = dice.roll(planes.count)
            planes[place].codec = Codec.allCases[dice.roll(Codec.allCases.count)]
            planes[place].storedBytes = max(0, planes[place].storedBytes + dice.roll(9) - 4)
        case 7 where !strings.isEmpty:
            let place = dice.roll(strings.count)
            let changed = plainlyMutated(Array(strings[place].utf8), growth: 8)
            strings[place] = String(decoding: changed.prefix(4096), as: UTF8.self)
        case 8 where !parameters.isEmpty:
            let place = dice.roll(parameters.count)
            let changed = plainlyMutated(parameters[place].serialized(), growth: 16)
            if let set = try? Parameters(parsing: changed) { parameters[place] = set }
        case 9:
            metadata.append(
                MetadataRecord(key: UInt32(dice.roll(strings.count + 1)), value: dice.roll(2) == 0 ? Self.noString : 0))
        case 10:
            let type = UInt32(dice.roll(8)) | (dice.roll(8) == 0 ? 1 << 31 : 0)
            extensions.append(ExtensionRecord(type: type, bytes: Array(repeating: 7, count: dice.roll(9))))
        default:
            let digest = Digest(Array(repeating: UInt8(dice.roll(256)), count: 32))
            bases.append(
                BaseRecord(root: digest, headerDigest: .zero, tensorCount: dice.next(), byteCount: 0, sourceFormat: 1))
        }
    }

    private mutating func changeEntry(_ place: Int, _ dice: inout Dice) {
        switch dice.roll(7) {
        case 0: entries[place].kind = Kind.all[dice.roll(Kind.all.count)]
        case 1: entries[place].kind = Kind(rawValue: UInt16(1 + dice.roll(70)))
        case 2: entries[place].ordinal = UInt8(dice.roll(4))
        case 3: entries[place].target = dice.roll(4) == 0 ? Self.noString : UInt32(dice.roll(strings.count + 1))
        case 4: entries[place].tensorCount = UInt16(dice.roll(4))
        case 5: entries[place].parameters = UInt32(dice.roll(parameters.count + 1))
        default:
            entries[place].base = UInt16(dice.roll(bases.count + 1))
            entries[place].flags = EntryRecord.Flags(rawValue: UInt8(dice.roll(4)))
            for _ in 0..<entries[place].flags.rawValue.nonzeroBitCount {
                leaves.append(Digest(Array(repeating: UInt8(dice.roll(256)), count: 32)))
            }
        }
    }

    private mutating func duplicateOrRemoveEntry(_ place: Int, _ dice: inout Dice) {
        let first = min(tensors.count, entries[..<place].reduce(0) { $0 + Int($1.tensorCount) })
        let own = first..<min(tensors.count, first + Int(entries[place].tensorCount))
        if dice.roll(3) == 0 {
            tensors.removeSubrange(own)
            entries.remove(at: place)
        } else {
            tensors.insert(contentsOf: Array(tensors[own]), at: own.upperBound)
            entries.insert(entries[place], at: place + 1)
            entries[place + 1].ordinal &+= 1
        }
    }

    /// As many planes as the tensors need, raw where what there was cannot be right.
    fileprivate mutating func fitPlanes() {
        var fitted: [PlaneRecord] = []
        for tensor in tensors {
            guard let byteCount = try? tensor.shape.byteCount(tensor.dtype), byteCount <= 1 << 24 else { return }
            for start in stride(from: 0, to: byteCount, by: 1 << Int(tensor.chunkLog2)) {
                let length = min(byteCount - start, 1 << Int(tensor.chunkLog2))
                for plane in 0..<tensor.filter.planeCount(tensor.dtype) {
                    let raw = tensor.filter.planeBytes(plane, of: length, dtype: tensor.dtype)
                    let old = fitted.count < planes.count ? planes[fitted.count] : nil
                    let kept = old.flatMap { $0.codec != .raw && 1..<max(raw, 2) ~= $0.storedBytes ? $0 : nil }
                    fitted.append(
                        kept ?? PlaneRecord(codec: .raw, storedBytes: raw, storedCheck: 0, rawCheck: 0))
                }
            }
        }
        planes = fitted
    }
}

extension TensorRecord {
    fileprivate mutating func change(_ dice: inout Dice) {
        var dimensions = shape.dimensions
        switch dice.roll(6) {
        case 0: role = Role.all[dice.roll(Role.all.count)].part(Role.Part.allCases[max(0, dice.roll(7) - 3)])
        case 1: dtype = DType.allCases[dice.roll(DType.allCases.count)]
        case 2: filter = Filter.allCases[dice.roll(3)]
        case 3: chunkLog2 = UInt8(16 + dice.roll(9))
        case 4 where !dimensions.isEmpty:
            dimensions[dice.roll(dimensions.count)] = dice.roll(8) == 0 ? 1 << dice.roll(48) : 1 + dice.roll(40)
        default:
            if dice.roll(2) == 0 { dimensions = dimensions.dropLast() } else { dimensions.append(1 + dice.roll(3)) }
        }
        shape = Shape(Array(dimensions.prefix(8)))
    }
}
