/// One HTML page that needs nothing from anywhere: style and script are in it, and it may load nothing.
package struct Page: Sendable {
    package let title: String
    /// Markup.
    package let body: String
    package let style: String
    package let script: String

    package init(title: String, body: String, style: String = "", script: String = "") {
        self.title = title
        self.body = body
        self.style = style
        self.script = script
    }

    /// Light and dark as the reader's system has it.
    private static let commonStyle = """
        :root{color-scheme:light dark;--ground:#fff;--text:#1c1c1c;--quiet:#5c5c5c;--line:#d8d8d8;--heat:217 72 15}
        @media(prefers-color-scheme:dark){:root{--ground:#161616;--text:#ececec;--quiet:#a8a8a8;--line:#3a3a3a}}
        *{box-sizing:border-box}
        body{margin:0 auto;padding:1rem;max-width:80rem;background:var(--ground);color:var(--text);\
        font:15px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
        h1{font-size:1.35rem;margin:0 0 .5rem}h2{font-size:1.05rem;margin:1.6rem 0 .5rem}
        """

    package var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width,initial-scale=1">
        <meta http-equiv="Content-Security-Policy" \
        content="default-src 'none';style-src 'unsafe-inline';script-src 'unsafe-inline'">
        <title>\(title.escapedForMarkup)</title>
        <style>
        \(Self.commonStyle)
        \(style)
        </style>
        </head>
        <body>
        \(body)
        <script>
        \(script)
        </script>
        </body>
        </html>

        """
    }
}
