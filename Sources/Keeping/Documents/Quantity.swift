/// Something that a picture shows by its size.
package struct Quantity: Sendable {
    package let name: String
    /// Not drawn where it is zero or less.
    package let value: Int
    /// The value for people.
    package let text: String

    package init(name: String, value: Int, text: String) {
        self.name = name
        self.value = value
        self.text = text
    }
}
