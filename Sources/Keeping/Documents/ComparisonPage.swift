/// A page about how two models, or two adapters, differ: what it shows is given as text.
package struct ComparisonPage: Sendable {
    package struct Tensor: Sendable {
        package let name: String
        package let status: String
        /// What the map is colored by; nil where there is no such number, and then `status` is shown.
        package let relativeChange: Double?
        /// For each of the page's columns.
        package let cells: [String]
        /// Of the change, descending; empty where they are not known.
        package let singularValues: [Double]
        /// What is to be said of it besides.
        package let note: String

        package init(
            name: String, status: String, relativeChange: Double?, cells: [String], singularValues: [Double] = [],
            note: String = ""
        ) {
            self.name = name
            self.status = status
            self.relativeChange = relativeChange
            self.cells = cells
            self.singularValues = singularValues
            self.note = note
        }
    }

    package var title: String
    /// What is compared with what, and the figures over all.
    package var facts: [(name: String, value: String)]
    /// What each of a tensor's cells holds; the second of them is what the map's cells show.
    package var columns: [String]
    /// Worst first.
    package var tensors: [Tensor]

    package init(title: String, facts: [(name: String, value: String)], columns: [String], tensors: [Tensor]) {
        self.title = title
        self.facts = facts
        self.columns = columns
        self.tensors = tensors
    }

    package var html: String {
        Page(title: title, body: body, style: ComparisonStyle.style, script: ComparisonStyle.script).html
    }

    private var body: String {
        var text = "<main>\n<h1>\(title.escapedForMarkup)</h1>\n<dl class=\"facts\">\n"
        for fact in facts {
            text += "<div><dt>\(fact.name.escapedForMarkup)</dt><dd>\(fact.value.escapedForMarkup)</dd></div>\n"
        }
        text += "</dl>\n" + structure + maps
        text += """
            <section id="detail" aria-live="polite" aria-label="The chosen tensor">\
            <p>Choose a cell, with the arrow keys too: what is known of its tensor stands here.</p></section>

            """
        return text + list + "</main>"
    }

    /// What has no counterpart, or one of another shape or type.
    private var structure: String {
        let changed = tensors.filter { ["added", "removed", "reshaped", "dtype"].contains($0.status) }
        guard !changed.isEmpty else { return "" }
        var text = "<h2>Structure</h2>\n<ul class=\"structure\">\n"
        for tensor in changed {
            text += "<li><b>\(tensor.status.escapedForMarkup)</b> \(tensor.name.escapedForMarkup)"
            text += (tensor.note.isEmpty ? "" : ": " + tensor.note.escapedForMarkup) + "</li>\n"
        }
        return text + "</ul>\n"
    }

    private var maps: String {
        let places = tensors.map { TensorPlace($0.name) }
        let inLayers = tensors.indices.filter { places[$0].hasLayer }.sorted { a, b in
            places[a].layer == places[b].layer && places[a].stem == places[b].stem
                ? tensors[a].name < tensors[b].name : TensorPlace.precedes(places[a], places[b])
        }
        let stems = Set(inLayers.map { places[$0].stem })
        var layers = HeatMap(caption: "Relative change by layer and module", rowTitle: "layer")
        for index in inLayers {
            let place = places[index]
            layers.set(
                cell(index), row: stems.count > 1 ? "\(place.stem).\(place.layer)" : place.layer, column: place.module)
        }
        var others = HeatMap(caption: "Relative change outside the layers", rowTitle: "tensor")
        for index in tensors.indices.filter({ !places[$0].hasLayer }).sorted(by: { tensors[$0].name < tensors[$1].name }
        ) {
            others.set(cell(index), row: tensors[index].name, column: "change")
        }
        let maps = [layers, others].filter { !$0.isEmpty }.map(\.html).joined()
        return maps.isEmpty ? "" : "<h2>Where it changed</h2>\n" + maps
    }

    private func cell(_ index: Int) -> HeatMap.Cell {
        let tensor = tensors[index]
        guard let change = tensor.relativeChange else {
            return HeatMap.Cell(text: tensor.status, heat: tensor.status == "equal" ? 0 : 9, tensor: index)
        }
        let text = change == 0 ? "0" : tensor.cells.count > 1 ? tensor.cells[1] : tensor.status
        return HeatMap.Cell(text: text, heat: HeatMap.heat(of: change), tensor: index)
    }

    /// Every tensor, to be sorted by any column.
    private var list: String {
        var text = "<h2>All tensors</h2>\n<div class=\"wide\"><table id=\"tensors\"><thead><tr>"
        for name in ["tensor"] + columns + ["spectrum"] {
            text += "<th scope=\"col\"><button type=\"button\">\(name.escapedForMarkup)</button></th>"
        }
        text += "</tr></thead>\n<tbody>\n"
        for (index, tensor) in tensors.enumerated() {
            text += "<tr id=\"t\(index)\"><th scope=\"row\">\(tensor.name.escapedForMarkup)</th>"
            for cell in tensor.cells { text += "<td>\(cell.escapedForMarkup)</td>" }
            let label = "singular values of the change of \(tensor.name)"
            text += "<td>\(Bars(tensor.singularValues).svg(label: label))</td></tr>\n"
        }
        return text + "</tbody></table></div>\n"
    }
}
