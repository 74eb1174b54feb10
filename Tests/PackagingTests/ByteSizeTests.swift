import Packaging
import Testing

@Suite("Sizes as people write them")
struct ByteSizeTests {
    @Test(
        "are read",
        arguments: [
            ("1", 1), ("17B", 17), ("1K", 1024), ("2KiB", 2048), ("3kB", 3000), ("512M", 512 << 20), ("20MB", 20_000_000),
            ("1GiB", 1 << 30), ("1.5G", 3 << 29), ("2tb", 2_000_000_000_000), ("0.5MiB", 1 << 19),
        ])
    func read(text: String, bytes: Int) {
        #expect(ByteSize(text)?.bytes == bytes)
    }

    @Test(
        "or refused",
        arguments: ["", "M", "0", "-1", "1X", "1KiBs", "1 M", "1.2.3M", "1e3", "9999999999T", "½M", "0.1B", "NaN", "inf"])
    func refused(text: String) {
        #expect(ByteSize(text) == nil)
    }

    @Test("are written so that they can be read again", arguments: [1, 1000, 1024, 1 << 30, 20_000_000, 1_000_001, 3 << 29])
    func again(bytes: Int) {
        #expect(ByteSize(ByteSize(bytes).description)?.bytes == bytes)
    }

    @Test("have three digits for people")
    func text() {
        let sizes = [0, 999, 1000, 9_994, 9_996, 99_949, 99_951, 999_499, 999_500, 1_073_741_824, 4_000_000_000_000_000]
        #expect(
            sizes.map(ByteSize.text) == [
                "0 B", "999 B", "1.00 kB", "9.99 kB", "10.0 kB", "99.9 kB", "100 kB", "999 kB", "1.00 MB", "1.07 GB",
                "4000 TB",
            ])
        #expect(0.341.percent == "34.1 %" && (-0.02).percent == "-2.0 %" && 12.0.text(decimals: 0) == "12")
        #expect((-0.004).text(decimals: 2) == "0.00")
    }
}
