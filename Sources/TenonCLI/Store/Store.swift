import ArgumentParser

struct Store: ParsableCommand, Exemplified {
    static let example = "tenon store init --store my-store"

    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Keep adapters by name, each once.",
        discussion: """
            A store is a folder: that of --store, else of the variable TENON_STORE, else one of the user's own. What is \
            added is kept whole under its digest and found by name. Any number of processes may use it at once, and one \
            that is killed leaves it as it was before or as it is after.
            """,
        subcommands: [
            StoreInit.self, StoreAdd.self, StoreGet.self, StoreList.self, StoreShow.self, StoreTag.self,
            StoreRemove.self,
            StoreGC.self, StoreFsck.self, StoreRepairVerb.self, StoreScrub.self,
            StoreExport.self, StoreImport.self,
        ])
}
