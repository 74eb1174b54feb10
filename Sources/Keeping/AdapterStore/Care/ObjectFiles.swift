import Diagnostics
import Digests
import Files

/// What lies in the folder of a store's objects.
struct ObjectFiles {
    /// The size of each object's file, in bytes.
    var sizes: [Digest: Int] = [:]
    /// The paths of what is no object's file.
    var strangers: [String] = []

    init(_ layout: StoreLayout) throws(Failure) {
        for folder in try Folder.entries(of: layout.objects) {
            let path = Paths.joined(layout.objects, folder.name)
            guard folder.kind == .folder else {
                strangers.append(path)
                continue
            }
            for file in try Folder.entries(of: path) {
                if file.kind == .file, file.name.hasPrefix(folder.name), let digest = Digest(hexadecimal: file.name) {
                    sizes[digest] = file.size
                } else {
                    strangers.append(Paths.joined(path, file.name))
                }
            }
        }
    }
}
