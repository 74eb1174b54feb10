import Files
import JSON
import Support
import Testing

@Suite("report")
struct ReportTests {
    @Test("files, folders and models in one report, whose sums hold in every group")
    func collection() throws {
        try inFolder { place in
            let container = try packed("lora-llama", in: place)
            try copyFolder(Fixtures.path("lora-llama"), to: place("adapter"))
            try copyFolder(Models.path("llama"), to: place("model"))
            try writeFile(Array("broken".utf8), to: place("broken.tenon"))
            let arguments = ["report", place.path, "--base", Models.path("llama")]
            let run = try runTool(arguments + ["--json"])
            #expect(run.status == 0 && run.errors.contains("broken.tenon"), "\(run.errors)")
            let report = try document(run)
            #expect(report["format"] == "tenon-report" && report["adapters"]?.array?.count == 3)
            #expect(report["broken"]?.array?.count == 1 && report["withoutCopy"]?.int == 0)
            let groups = ["bases", "methods", "adapters"].flatMap { report[$0]?.array ?? [] } + [report]
            for group in groups {
                let sum = group["savings"]?.object?.members.compactMap(\.value.int).reduce(0, +)
                #expect(sum == group["savedBytes"]?.int && sum != nil)
            }
            let file = report["adapters"]?.array?.first { $0["path"]?.string == container }
            #expect(try file?["storedBytes"]?.int == contents(of: container).count)
            let sorts = Set(report["advice"]?.array?.compactMap { $0["sort"]?.string } ?? [])
            #expect(sorts.isSuperset(of: ["duplicate", "unbound", "full-copy"]), "\(sorts)")
            let text = try runTool(arguments + ["--all"], environment: ["NO_COLOR": "1", "COLUMNS": "80"])
            #expect(text.status == 0 && text.output.contains("saved by") && !text.output.contains("\u{1B}"))
        }
    }

    @Test("hard links and other names of a folder are stored once")
    func links() throws {
        try inFolder { place in
            let container = try packed("lora-llama", in: place)
            try copyFolder(Fixtures.path("ia3"), to: place("adapter"))
            let script = "ln a.tenon b.tenon && ln -s adapter other && ln -s . loop && mkdir hard && ln adapter/* hard/"
            #expect(try runShell(script, in: place.path).status == 0)
            let report = try document(try runTool(["report", place.path, "--json"]))
            let items = report["adapters"]?.array ?? []
            #expect(items.count == 3 && items.compactMap { $0["names"]?.array?.count }.sorted() == [1, 2, 2])
            let files = try Folder.entries(of: place("adapter")).reduce(0) { $0 + $1.size }
            #expect(try report["storedBytes"]?.int == contents(of: container).count + files)
            #expect(report["savings"]?["dedupe"]?.int ?? 0 > 0)
        }
    }

    @Test("growth beyond the limit is exit status 1, with the reason")
    func growth() throws {
        try inFolder { place in
            try Folder.make(place("all"))
            _ = try packed("lora-llama", in: place, as: "all/a.tenon")
            let old = try runTool(["report", place("all"), "--json"])
            try writeFile(old.standardOutput, to: place("old.json"))
            let gate = ["report", place("all"), "--baseline", place("old.json"), "--max-growth", "5%"]
            #expect(try runTool(gate).status == 0)
            _ = try packed("loha", in: place, as: "all/b.tenon")
            let run = try runTool(gate)
            #expect(run.status == 1 && run.errors.contains("grew too much") && run.errors.contains("b.tenon"))
            let script = try runTool(gate + ["--json"])
            #expect(try script.status == 1 && document(script)["baseline"]?["ok"]?.bool == false)
            try writeFile(Array("{}".utf8), to: place("old.json"))
            try expectFailure(65, "bad-report", gate)
            try writeFile(Array("no".utf8), to: place("old.json"))
            try expectFailure(65, "bad-report", gate)
            try expectFailure(64, "usage", ["report", place.path, "--max-growth", "5%"])
            try expectFailure(64, "usage", gate.dropLast() + ["much"])
        }
    }

    @Test("page and summary are written whole, and not over what is there")
    func documents() throws {
        try inFolder { place in
            let container = try packed("lora-llama", in: place)
            let arguments = ["report", container, "--html", place("p.html"), "--markdown", place("s.md")]
            #expect(try runTool(arguments).status == 0)
            let page = try String(decoding: contents(of: place("p.html")), as: UTF8.self)
            #expect(page.hasPrefix("<!doctype html>") && page.contains("id=\"items\""))
            #expect(try String(decoding: contents(of: place("s.md")), as: UTF8.self).hasPrefix("## Storage report"))
            try expectFailure(73, "output-exists", arguments)
            #expect(try runTool(arguments + ["--force"]).status == 0)
            try expectFailure(64, "usage", ["report", container, "--html", container])
        }
    }

    @Test("a store's objects, each once with all of its names")
    func store() throws {
        try inFolder { place in
            let store = place("store")
            try succeed(["store", "init", "--store", store])
            let empty = try runTool(["report", "--store", store])
            #expect(empty.status == 0 && empty.errors.contains("there is no container"))
            for (name, model) in [("base", "llama"), ("copy", "llama"), ("other", "bert")] {
                try succeed(["store", "add", Models.path(model), "--name", name, "--store", store])
            }
            let report = try document(try succeed(["report", "--store", store, "--json"]))
            #expect(report["items"]?.int == 2)
            let stored = try #require(report["storedBytes"]?.int)
            let logical = try #require(report["logicalBytes"]?.int)
            let saved = try #require(report["savings"]?.object)
            #expect(logical - stored == saved.keys.reduce(0) { $0 + (saved[$1]?.int ?? 0) })
            let listed = try document(try succeed(["store", "list", "--json", "--store", store]))
            let sizes = Set((listed["objects"]?.array ?? []).compactMap { $0["storedBytes"]?.int })
            #expect(sizes.reduce(0, +) == stored)
        }
    }

    @Test("nothing, what is broken alone, and what is no price")
    func edges() throws {
        try inFolder { place in
            try Folder.make(place("empty"))
            let run = try runTool(["report", place("empty")])
            #expect(run.status == 0 && run.errors.contains("there is no container"))
            #expect(try document(try runTool(["report", place("empty"), "--json"]))["storedBytes"]?.int == 0)
            try writeFile(Array("no".utf8), to: place("b.tenon"))
            try expectFailure(65, "truncated", ["report", place("b.tenon")])
            try expectFailure(66, "not-found", ["report", place("gone")])
            try writeFile(Array("nor this".utf8), to: place("c.tenon"))
            let broken = try runTool(["report", place("b.tenon"), place("c.tenon")])
            let lines = broken.errors.split(separator: "\n")
            #expect(broken.status == 65 && lines.count == 2, "\(broken.errors)")
            for name in ["b.tenon", "c.tenon"] { #expect(lines.contains { $0.contains(name) }, "\(broken.errors)") }
            for flag in ["--markdown", "--html"] {
                try expectFailure(64, "usage", ["report", place.path, flag, ""])
                #expect(try runTool(["report", place.path, flag, ""]).errors.contains("\(flag) needs the path"))
            }
            for price in ["free", "-1", "nan", "inf"] {
                try expectFailure(64, "usage", ["report", place.path, "--price", price])
            }
            try expectFailure(66, "not-a-store", ["report", "--store", place("gone")])
        }
    }
}
