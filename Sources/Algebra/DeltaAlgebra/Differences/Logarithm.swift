#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The binary logarithm.
func logarithm(_ number: Double) -> Double { log2(number) }
