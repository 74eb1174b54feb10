import JSON
import Support

/// The tensors of a safetensors file, read without the library under test but for its JSON.
struct Checkpoint {
    struct Tensor: Equatable {
        let dtype: String
        let shape: [Int]
        let bytes: [UInt8]

        /// The values of a tensor of floats.
        var floats: [Double] {
            switch dtype {
            case "F32":
                stride(from: 0, to: bytes.count, by: 4).map { start in
                    Double(Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << ($1 * 8) }))
                }
            case "F64":
                stride(from: 0, to: bytes.count, by: 8).map { start in
                    Double(bitPattern: (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << ($1 * 8) })
                }
            case "BF16":
                stride(from: 0, to: bytes.count, by: 2).map { start in
                    Double(Float(bitPattern: UInt32(bytes[start]) << 16 | UInt32(bytes[start + 1]) << 24))
                }
            case "F16":
                stride(from: 0, to: bytes.count, by: 2).map { start in
                    Self.half(UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8)
                }
            default: []
            }
        }

        private static func half(_ bits: UInt16) -> Double {
            let exponent = Int(bits >> 10 & 0x1F)
            let fraction = Double(bits & 0x3FF) / 1024
            let magnitude =
                exponent == 0
                ? fraction * 0x1p-14 : (1 + fraction) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
            return bits & 0x8000 == 0 ? magnitude : -magnitude
        }
    }

    private(set) var tensors: [String: Tensor] = [:]

    init(_ path: String) throws {
        let bytes = try contents(of: path)
        let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << ($1 * 8) }
        let header = try JSONValue.parse(Array(bytes[8..<8 + length]))
        for (name, value) in header.object?.members ?? [] where name != "__metadata__" {
            let offsets = (value["data_offsets"]?.array ?? []).compactMap(\.int)
            tensors[name] = Tensor(
                dtype: value["dtype"]?.string ?? "", shape: (value["shape"]?.array ?? []).compactMap(\.int),
                bytes: Array(bytes[(8 + length + offsets[0])..<(8 + length + offsets[1])]))
        }
    }
}

/// ‖b − a‖ / ‖a‖.
func relativeError(of b: [Double], against a: [Double]) -> Double {
    var difference = 0.0
    var norm = 0.0
    for (a, b) in zip(a, b) {
        difference += (b - a) * (b - a)
        norm += a * a
    }
    return norm == 0 ? 0 : (difference / norm).squareRoot()
}
