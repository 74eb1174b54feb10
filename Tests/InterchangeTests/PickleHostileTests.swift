import Diagnostics
import Files
import Support
import Tensors
import Testing

import Interchange

/// Pickles that want more than tensors, and tensors that want more than their storage.
@Suite struct PickleHostileTests {
    func refused(_ pickle: [UInt8], _ opcode: String? = nil, sourceLocation: SourceLocation = #_sourceLocation) {
        let failure = ArchiveSample(pickle: pickle).refusal()
        #expect(
            failure?.code == .pickleRefused, "\(failure?.description ?? "accepted")", sourceLocation: sourceLocation)
        if let opcode {
            #expect(
                failure?.what.contains("opcode \(opcode) ") == true && failure?.offset != nil,
                "\(failure?.description ?? "")", sourceLocation: sourceLocation)
        }
    }

    @Test func aGoodOneIsRead() throws {
        let file = try ArchiveSample(pickle: Pickle.dictionary(("x", Pickle.tensor()))).open()
        #expect(file.tensors.map(\.name) == ["x"])
        #expect(file.tensors.first?.source.shape == [2, 3])
    }

    @Test func namesOutsideOfTheListAreRefused() {
        for (module, name) in [
            ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("torch", "load"), ("torch", "Tensor"),
            ("collections", "OrderedDict.fromkeys"), ("torch._utils", "_rebuild_tensor"), ("", ""),
            ("torch.nn.parameter", "Parameter"), ("torch", "QInt8Storage"),
        ] {
            let value = Pickle.name(module, name) + Pickle.tuple(Pickle.text("id")) + [0x52]
            refused(Pickle.dictionary(("x", value)), "GLOBAL")
            let stacked = Pickle.text(module) + Pickle.text(name) + [0x93, 0x29, 0x52]
            refused(Pickle.dictionary(("x", stacked)), "STACKGLOBAL")
        }
    }

    @Test func knownNamesAreNotCalledWithOtherArguments() {
        for (module, name) in [
            ("torch", "FloatStorage"), ("torch", "float8_e5m2"), ("torch._utils", "_rebuild_tensor_v2"),
            ("torch._utils", "_rebuild_tensor_v3"), ("torch._utils", "_rebuild_parameter"),
            ("collections", "OrderedDict"),
        ] {
            for count in [1, 3, 6, 7] {
                let arguments = [0x28] + [UInt8](repeating: 0x88, count: count) + [0x74]
                refused(Pickle.dictionary(("x", Pickle.name(module, name) + arguments + [0x52])), "REDUCE")
            }
        }
        refused(Pickle.dictionary(("x", Pickle.text("os") + [0x29, 0x52])), "REDUCE")
    }

    @Test func otherOpcodesAreRefused() {
        let tensor = Pickle.dictionary(("x", Pickle.tensor())).dropLast()
        // State, instances, extensions, text persistent ids, lists, bytes, buffers.
        for opcode: [UInt8] in [
            [0x7D, 0x62], [0x28, 0x69, 0x61, 0x0A, 0x62, 0x0A], [0x28, 0x6F], [0x82, 1], [0x83, 1, 0],
            [0x84, 1, 0, 0, 0],
            [0x50, 0x61, 0x0A], [0x5D], [0x43, 0], [0x97], [0x81], [0x92], [0x30], [0x32], [0x47], [0x80, 2], [0x00],
            [0xFF], [0x8B, 0, 0, 0, 0], [0x8D], [0x4E],
        ] {
            refused(tensor + opcode + [0x2E])
        }
        refused(tensor + [0x7D, 0x62, 0x2E], "BUILD")
    }

    @Test func stateIsMetadataOrRefused() throws {
        let start: [UInt8] = [0x80, 2] + Pickle.hooks
        let good = Pickle.text("_metadata") + Pickle.hooks + [0x73]
        #expect(try ArchiveSample(pickle: start + [0x7D] + good + [0x62, 0x2E]).open().tensors.isEmpty)
        refused(start + [0x7D] + Pickle.text("__class__") + Pickle.hooks + [0x73, 0x62, 0x2E], "BUILD")
    }

    @Test func persistentIdsAreStoragesOrRefused() {
        let type = Pickle.name("torch", "FloatStorage")
        for id in [
            Pickle.tuple(), Pickle.text("storage"), Pickle.int(0),
            Pickle.tuple(Pickle.text("module"), type, Pickle.text("0"), Pickle.text("cpu"), Pickle.int(6)),
            Pickle.tuple(Pickle.text("storage"), Pickle.text("f"), Pickle.text("0"), Pickle.text("cpu"), Pickle.int(6)),
            Pickle.tuple(Pickle.text("storage"), type, Pickle.int(0), Pickle.text("cpu"), Pickle.int(6)),
            Pickle.tuple(Pickle.text("storage"), type, Pickle.text("0"), Pickle.text("cpu"), Pickle.int(-1)),
        ] {
            refused(Pickle.dictionary(("x", Pickle.tensor(storage: id + [0x51]))), "BINPERSID")
        }
    }

    @Test(arguments: [([32768, 32768], [0, 0]), ([7], [0]), ([3, 3], [1, 1])])
    func adaptersHaveNoExpandedTensors(shape: [Int], strides: [Int]) throws {
        let folder = try SyntheticFolder(config: SyntheticFolder.loraConfig)
        let name = SyntheticFolder.lora("q_proj")[0].0
        let pickle = Pickle.dictionary((name, Pickle.tensor(shape: shape, strides: strides)))
        try folder.place.write(ArchiveSample(pickle: pickle).bytes, to: "adapter_model.bin")
        #expect(failureCode { _ = try PEFTFolder.read(folder.path) } == .pickleRefused)
    }

    @Test func viewsStayInTheirStorage() throws {
        func view(_ offset: Int, _ shape: [Int], _ strides: [Int]) -> [UInt8] {
            Pickle.dictionary(("x", Pickle.tensor(offset: offset, shape: shape, strides: strides)))
        }
        refused(view(1, [2, 3], [3, 1]))
        refused(view(6, [], []))
        refused(view(.max, [1], [1]))
        refused(view(0, [2, 3], [4, 1]))
        refused(view(0, [2], [.max]))
        refused(view(4, [3, 3], [.max / 2, .max / 2]))
        refused(view(-1, [1], [1]))
        refused(view(0, [2, 3], [-3, 1]))
        refused(view(0, [2, -3], [3, 1]))
        refused(view(0, [2, 3], [1]))
        refused(view(0, [Int](repeating: 1, count: 65), [Int](repeating: 1, count: 65)))
        #expect(ArchiveSample(pickle: view(0, [.max, .max], [0, 0])).refusal()?.code == .shapeOverflow)
        #expect(ArchiveSample(pickle: view(0, [1 << 62], [0])).refusal()?.code == .shapeOverflow)
        for good in [view(5, [], []), view(.max, [0], [1]), view(0, [6], [1]), view(0, [2, 1], [5, 99])] {
            _ = try ArchiveSample(pickle: good).open().tensors.first?.source.readAll()
        }
        // A storage of another length, of no entry, of two types.
        refused(Pickle.dictionary(("x", Pickle.tensor(storage: Pickle.storage(count: 7)))))
        refused(Pickle.dictionary(("x", Pickle.tensor(storage: Pickle.storage(count: .max)))))
        refused(Pickle.dictionary(("x", Pickle.tensor(storage: Pickle.storage(key: "../version")))))
        refused(
            Pickle.dictionary(
                ("x", Pickle.tensor()), ("y", Pickle.tensor(storage: Pickle.storage("IntStorage", count: 6)))))
    }

    @Test func memoryIsBounded() {
        refused([0x80, 2, 0x7D, 0x72, 0xFF, 0xFF, 0xFF, 0xFF, 0x2E], "LONGBINPUT")
        refused([0x80, 2, 0x6A, 0, 0, 0, 0x10, 0x2E], "LONGBINGET")
        refused([0x80, 2] + [UInt8](repeating: 0x28, count: 100_000) + [0x2E], "MARK")
        refused([0x80, 2] + [UInt8](repeating: 0x7D, count: 100_000) + [0x2E], "EMPTYDICT")
        refused([0x80, 2, 0x58, 0xFF, 0xFF, 0xFF, 0xFF, 0x2E])
        refused([0x80, 2] + Pickle.text(String(repeating: "x", count: 1025)))
        refused([0x80, 4, 0x95] + .number(.max, 8), "FRAME")
        refused([0x80, 2, 0x58, 1, 0, 0, 0, 0xFF, 0x2E])
        // A tuple in a tuple, a hundred thousand deep: read without recursion, and released without it.
        refused([0x80, 2, 0x29] + [UInt8](repeating: 0x85, count: 100_000) + [0x2E], "STOP")
    }

    @Test func theStackIsKept() {
        for pickle: [UInt8] in [
            [], [0x2E], [0x80], [0x80, 2], [0x80, 2, 0x2E], [0x80, 1, 0x7D, 0x2E], [0x80, 6, 0x7D, 0x2E], [0x7D, 0x2E],
            [0x80, 2, 0x85], [0x80, 2, 0x74], [0x80, 2, 0x75], [0x80, 2, 0x73], [0x80, 2, 0x52], [0x80, 2, 0x62],
            [0x80, 2, 0x51], [0x80, 2, 0x93], [0x80, 2, 0x71, 0], [0x80, 2, 0x94], [0x80, 2, 0x68, 0],
            // Values below a mark are out of reach.
            [0x80, 2, 0x29, 0x28, 0x85, 0x2E], [0x80, 2, 0x7D, 0x28, 0x71, 0, 0x2E], [0x80, 2, 0x7D, 0x7D, 0x2E],
            [0x80, 2, 0x7D, 0x28, 0x2E], [0x80, 2, 0x7D, 0x2E, 0x2E], [0x80, 2, 0x29, 0x2E],
            [0x80, 2, 0x7D, 0x28, 0x88, 0x75, 0x2E], [0x80, 2, 0x7D, 0x28, 0x88, 0x88, 0x75, 0x2E],
            [0x80, 2, 0x8A, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x2E],
        ] {
            refused(pickle)
        }
    }

    @Test func valuesAreTensorsAndNamesDiffer() {
        #expect(ArchiveSample(pickle: Pickle.dictionary(("x", Pickle.yes))).refusal()?.object == "x")
        let twice = Pickle.dictionary(("x", Pickle.tensor()), ("x", Pickle.tensor()))
        #expect(ArchiveSample(pickle: twice).refusal()?.code == .duplicate)
    }

    @Test func bigEndianIsRefused() {
        let pickle = Pickle.dictionary(("x", Pickle.tensor()))
        for order in ["big", "", "little\n", String(repeating: "little", count: 100)] {
            #expect(ArchiveSample(pickle: pickle, order: order).refusal()?.code == .pickleRefused)
        }
    }

    /// Every bit flipped, every length: an answer or a failure, never a crash.
    @Test func damagedPicklesAreSurvived() throws {
        let good = Pickle.dictionary(("x", Pickle.tensor()))
        #expect(try PickleReader.tensors(in: good, base: 0).count == 1)
        for place in good.indices {
            for bit in 0..<8 {
                var bytes = good
                bytes[place] ^= 1 << UInt8(bit)
                _ = try? PickleReader.tensors(in: bytes, base: 0)
            }
            #expect(throws: Failure.self) { try PickleReader.tensors(in: Array(good[..<place]), base: 0) }
        }
    }

    /// The same for a file of torch's, and what is read from one that still opens.
    @Test func damagedFilesAreSurvived() throws {
        let folder = try TemporaryFolder()
        let path = Paths.joined(PickleFixtureTests.folder, "adapter-4.bin")
        let good = try contents(of: path)
        let pickle = try #require(try ZipArchive(InputFile(path: path)).entries["adapter-4/data.pkl"])
        // Most of the file is padding of one letter.
        let telling = good.indices.filter { good[$0] != UInt8(ascii: "Z") }
        var accepted = 0
        for place in telling where !pickle.contains(place) || place % 8 == 0 {
            var bytes = good
            bytes[place] ^= place % 2 == 0 ? 0xFF : 1 << UInt8(place / 2 % 8)
            let path = try folder.write(bytes, to: "flipped.bin")
            do {
                for tensor in try TorchFile(InputFile(path: path)).tensors { _ = try tensor.source.readAll() }
                accepted += 1
            } catch {}
        }
        #expect(accepted > 0)
        for count in telling {
            let path = try folder.write(Array(good[..<count]), to: "cut.bin")
            #expect(throws: Failure.self) { try TorchFile(InputFile(path: path)) }
        }
    }
}
