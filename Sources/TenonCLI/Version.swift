import CKernels
import CZstd
import DeltaFormat

/// What `tenon --version` prints.
enum Version {
    static let number = "0.1.0"

    static var text: String {
        let zstd = unsafe String(cString: ZSTD_versionString())
        let simd = unsafe String(cString: tenon_simd_name(tenon_simd_level()))
        return "tenon \(number) (container \(Header.major).\(Header.minor) draft, zstd \(zstd), simd \(simd))"
    }
}
