package import Diagnostics

/// A read-only view of a range of a file through the system's page cache.
///
/// Only on request: if somebody shortens the file while it is mapped, touching the lost part ends the process with
/// SIGBUS. It suits files that nobody rewrites.
@safe
package struct MappedFile: ~Copyable, @unchecked Sendable {
    private let base: UnsafeMutableRawPointer?
    private let mappedCount: Int
    /// How far into the first page the range begins.
    private let lead: Int
    package let count: Int

    /// Maps `count` bytes of `file` from `offset` on, to the end of the file unless told otherwise.
    ///
    /// Throws ``Failure/Code/truncated`` where the file was not that long, and ``Failure/Code/changedDuringRead`` where
    /// it is no longer what it was when it was opened.
    package init(_ file: InputFile, at offset: Int = 0, count: Int? = nil) throws(Failure) {
        let count = count ?? max(0, file.size - offset)
        try file.checkRange(offset, count)
        let lead = offset % Syscalls.pageSize
        unsafe base = try Self.map(file, at: offset - lead, count: count == 0 ? 0 : lead + count)
        mappedCount = lead + count
        self.lead = lead
        self.count = count
    }

    private static func map(
        _ file: InputFile, at offset: Int, count: Int
    ) throws(Failure) -> UnsafeMutableRawPointer? {
        if count == 0 { return nil }
        let base: UnsafeMutableRawPointer
        do throws(Errno) {
            unsafe base = try Syscalls.map(file.descriptor, at: offset, count: count, path: file.path)
        } catch {
            throw Failure(error, .input, "cannot map the file", path: file.path)
        }
        do throws(Failure) {
            try file.checkUnchanged()
        } catch {
            unsafe Syscalls.unmap(base, count: count)
            throw error
        }
        return unsafe base
    }

    deinit {
        if let base = unsafe base { unsafe Syscalls.unmap(base, count: mappedCount) }
    }

    /// Calls `body` with a part of the mapped bytes; for owners that are classes, which cannot lend a span.
    package func withUnsafeBytes(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        guard range.lowerBound >= 0, range.upperBound <= count, let base = unsafe base else {
            throw Failure(.internal, "a range outside the map was asked for")
        }
        try unsafe body(
            UnsafeRawBufferPointer(start: UnsafeRawPointer(base) + lead + range.lowerBound, count: range.count))
    }

    /// The mapped bytes, as they are in the file at this moment.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            guard let base = unsafe base else { return RawSpan() }
            let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(base) + lead, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}
