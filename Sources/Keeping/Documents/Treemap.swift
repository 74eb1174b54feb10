/// Rectangles as large as what they stand for, gathered in groups, as an SVG picture.
///
/// Rows are filled so that rectangles come near to squares: Bruls, Huizing and van Wijk, Squarified Treemaps, 2000.
package struct Treemap: Sendable {
    package struct Group: Sendable {
        package let name: String
        package let text: String
        /// Largest first.
        package let tiles: [Quantity]

        package init(name: String, text: String, tiles: [Quantity]) {
            self.name = name
            self.text = text
            self.tiles = tiles
        }

        var value: Double { tiles.reduce(0) { $0 + Double(max(0, $1.value)) } }
    }

    package let groups: [Group]

    package init(_ groups: [Group]) {
        self.groups = groups
    }

    struct Rectangle: Hashable {
        var x: Double
        var y: Double
        var width: Double
        var height: Double
    }

    static let whole = Rectangle(x: 0, y: 0, width: 1000, height: 420)
    /// What a group's name stands in.
    private static let headHeight = 22.0
    /// Of neighbors: as many as the page's style has.
    private static let colors = 7

    /// Empty where nothing is above zero.
    package func svg(label: String) -> String {
        let shown = groups.filter { $0.value > 0 }
        guard !shown.isEmpty else { return "" }
        var text =
            "<svg class=\"map\" viewBox=\"0 0 1000 420\" role=\"img\" aria-label=\"\(label.escapedForMarkup)\">"
        for (number, place) in Self.places(of: shown.map(\.value), in: Self.whole).enumerated() {
            let group = shown[number]
            let hasHead = place.height > 60 && place.width > 70
            var inner = place
            if hasHead {
                inner.y += Self.headHeight
                inner.height -= Self.headHeight
            }
            text +=
                "<g class=\"m\(number % Self.colors)\"><title>\("\(group.name): \(group.text)".escapedForMarkup)</title>"
            let tiles = group.tiles.filter { $0.value > 0 }
            for (tile, place) in zip(tiles, Self.places(of: tiles.map { Double($0.value) }, in: inner)) {
                text += Self.drawn(tile, place)
            }
            if hasHead { text += Self.written("\(group.name), \(group.text)", in: place, class: "head") }
            text += "</g>"
        }
        return text + "</svg>"
    }

    private static func drawn(_ tile: Quantity, _ place: Rectangle) -> String {
        let text =
            "<rect x=\"\(place.x.tenths)\" y=\"\(place.y.tenths)\" width=\"\(place.width.tenths)\" "
            + "height=\"\(place.height.tenths)\"><title>\("\(tile.name): \(tile.text)".escapedForMarkup)</title></rect>"
        guard place.width > 60, place.height > 20 else { return text }
        return text + written(tile.name, in: place, class: "tile")
    }

    /// As much of a name as has room, its end first: paths begin alike.
    private static func written(_ name: String, in place: Rectangle, class word: String) -> String {
        // Heads are bold, and wider.
        let room = Int(place.width / (word == "head" ? 8.4 : 7.5)) - 1
        let shown =
            name.count <= room ? name : word == "head" ? name.prefix(room - 1) + "…" : "…" + name.suffix(room - 1)
        return "<text class=\"\(word)\" x=\"\((place.x + 5).tenths)\" y=\"\((place.y + 15).tenths)\">"
            + "\(shown.escapedForMarkup)</text>"
    }

    /// A rectangle for each value, in their order, which fill `whole`.
    static func places(of values: [Double], in whole: Rectangle) -> [Rectangle] {
        let total = values.reduce(0, +)
        guard total > 0, whole.width > 0, whole.height > 0 else {
            return values.map { _ in Rectangle(x: whole.x, y: whole.y, width: 0, height: 0) }
        }
        let scale = whole.width * whole.height / total
        var left = whole
        var places: [Rectangle] = []
        var row: [Double] = []
        for area in values.map({ $0 * scale }) {
            let side = min(left.width, left.height)
            if !row.isEmpty, worst(row + [area], along: side) > worst(row, along: side) {
                places += fill(row, &left)
                row = []
            }
            row.append(area)
        }
        return places + fill(row, &left)
    }

    /// The longest side of a row's rectangles, as a multiple of their shortest.
    private static func worst(_ row: [Double], along side: Double) -> Double {
        let sum = row.reduce(0, +)
        guard sum > 0, side > 0, let most = row.max(), let least = row.min(), least > 0 else { return .infinity }
        return max(side * side * most / (sum * sum), sum * sum / (side * side * least))
    }

    /// Lays a row along the shorter side of what is left, and takes it away.
    private static func fill(_ row: [Double], _ left: inout Rectangle) -> [Rectangle] {
        let sum = row.reduce(0, +)
        let isUpright = left.width >= left.height
        let side = isUpright ? left.height : left.width
        let depth = side > 0 ? sum / side : 0
        var at = isUpright ? left.y : left.x
        let places = row.map { area in
            let length = depth > 0 ? area / depth : 0
            defer { at += length }
            return isUpright
                ? Rectangle(x: left.x, y: at, width: depth, height: length)
                : Rectangle(x: at, y: left.y, width: length, height: depth)
        }
        if isUpright {
            left.x += depth
            left.width = max(0, left.width - depth)
        } else {
            left.y += depth
            left.height = max(0, left.height - depth)
        }
        return places
    }
}
