import Diagnostics
import Files
import Support
import Testing

/// A file that grows by lines, and goes on where it is told to.
@Suite struct LogFileTests {
    @Test func growsAndGoesOn() throws {
        let folder = try TemporaryFolder()
        let path = folder("log")
        do {
            let log = try LogFile(at: path)
            try log.append(Array("one\n".utf8))
            try log.append(Array("two\n".utf8))
            #expect(try contents(of: path) == Array("one\ntwo\n".utf8))
            try log.append(Array("cut sho".utf8))
            try log.flush()
        }
        let log = try LogFile(at: path, keeping: 4)
        #expect(try contents(of: path) == Array("one\n".utf8))
        try log.append(Array("three\n".utf8))
        #expect(try contents(of: path) == Array("one\nthree\n".utf8))
        _ = try LogFile(at: path)
        #expect(try contents(of: path) == [])
    }

    @Test func refusals() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], to: "file")
        #expect(throws: Failure.self) { try LogFile(at: folder("file/log")) }
        #expect(throws: Failure.self) { try LogFile(at: folder.path) }
    }
}
