/// Functions of fp64 that give the same bits on every platform, which the system's need not.
enum Elementary {
    /// eˣ within two units of the last place; 0 below the smallest normal result.
    static func exp(_ x: Double) -> Double {
        if x.isNaN { return x }
        if x > 709 { return .infinity }
        if x < -708 { return 0 }
        // x = k·ln 2 + r with |r| ≤ ln 2 / 2, ln 2 in two parts so that k·(its upper part) is exact.
        let k = (x * 1.4426950408889634).rounded()
        let r = (x - k * 0x1.62e42fefa0000p-1) - k * 0x1.cf79abc9e3b3ap-40
        var sum = 1.0
        for n in stride(from: 15.0, to: 0, by: -1) { sum = 1 + r / n * sum }
        return Double(sign: .plus, exponent: Int(k), significand: sum)
    }

    /// The n-th roots of unity e^(2πi·j/n), j = 0 … n − 1, within a unit of the last place.
    static func rootsOfUnity(_ n: Int) -> [Complex] {
        (0..<n).map { root($0, of: n) }
    }

    /// e^(2πi·j/n) for 0 ≤ j < n: the angle is folded into an eighth of the circle in integers.
    private static func root(_ j: Int, of n: Int) -> Complex {
        // In eighths of the circle: 8j/n = octant + rest/n.
        let octant = 8 * j / n
        let rest = 8 * j - octant * n
        let isOdd = octant % 2 == 1
        let angle = Double.pi / 4 * (Double(isOdd ? n - rest : rest) / Double(n))
        let (sine, cosine) = sineAndCosine(angle)
        let (x, y) = isOdd ? (sine, cosine) : (cosine, sine)
        return switch octant / 2 {
        case 0: Complex(x, y)
        case 1: Complex(-y, x)
        case 2: Complex(-x, -y)
        default: Complex(y, -x)
        }
    }

    /// Taylor's sums, for angles up to π/4.
    private static func sineAndCosine(_ angle: Double) -> (sine: Double, cosine: Double) {
        let square = angle * angle
        var (sine, cosine) = (1.0, 1.0)
        for n in stride(from: 10.0, to: 0, by: -1) {
            sine = 1 - square / (2 * n * (2 * n + 1)) * sine
            cosine = 1 - square / (2 * n * (2 * n - 1)) * cosine
        }
        return (angle * sine, cosine)
    }
}

/// A complex number in fp64.
struct Complex: Hashable, Sendable {
    var real: Double
    var imaginary: Double

    init(_ real: Double, _ imaginary: Double) {
        self.real = real
        self.imaginary = imaginary
    }

    static let zero = Complex(0, 0)

    var conjugate: Complex { Complex(real, -imaginary) }

    static func + (a: Complex, b: Complex) -> Complex {
        Complex(a.real + b.real, a.imaginary + b.imaginary)
    }

    static func - (a: Complex, b: Complex) -> Complex {
        Complex(a.real - b.real, a.imaginary - b.imaginary)
    }

    static func * (a: Complex, b: Complex) -> Complex {
        Complex(a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real)
    }

    static func * (a: Complex, b: Double) -> Complex { Complex(a.real * b, a.imaginary * b) }
}
