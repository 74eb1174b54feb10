"""A page of `tenon diff --html` in a headless browser: its cells, the keyboard, dark colors, a phone.

`diff_page.py TENON` makes a pair of checkpoints, writes the page and looks at it. Exit status 75, with a line that says why,
where no browser is there; 1 where something is not as it should be. It needs no package: the browser runs a probe that
is put into a copy of the page and writes what it saw into the document.
"""

import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import browser

LAYERS, MODULES = 3, ("self_attn.q_proj", "mlp.up_proj")
HOSTILE = "model.layers.0.zz</td><script>document.title='broken'</script>.weight"

#: Runs in the page: what is there, what the keys do, what the colors are.
PROBE = """
<script>addEventListener("load",()=>{
  const map=document.querySelector(".map"),cells=[...map.querySelectorAll("td[data-t]")],seen={};
  const press=key=>document.activeElement.dispatchEvent(new KeyboardEvent("keydown",{key,bubbles:true,cancelable:true}));
  seen.cells=document.querySelectorAll("td[data-t]").length;
  seen.title=document.title;
  cells[0].focus();seen.first=document.querySelector("#detail h3").textContent;
  press("ArrowDown");seen.down=document.querySelector("#detail h3").textContent;
  press("ArrowRight");seen.right=document.querySelector("#detail h3").textContent;
  press("ArrowUp");press("ArrowLeft");seen.back=document.querySelector("#detail h3").textContent;
  press("ArrowLeft");seen.edge=document.querySelector("#detail h3").textContent;
  seen.stops=map.querySelectorAll('[tabindex="0"]').length;
  const buttons=[...document.querySelectorAll("#tensors button")];
  const change=()=>[...document.querySelectorAll("#tensors tbody tr")].map(row=>parseFloat(row.cells[2].textContent));
  buttons[2].click();seen.falling=change();buttons[2].click();seen.rising=change();
  seen.sort=document.querySelectorAll("#tensors th")[2].getAttribute("aria-sort");
  const wide=document.createElement("div");
  seen.width=innerWidth;seen.scroll=document.documentElement.scrollWidth;
  const lights=color=>color.match(/\\d+/g).slice(0,3).reduce((sum,part)=>sum+Number(part),0);
  seen.ground=lights(getComputedStyle(document.body).backgroundColor);
  seen.text=lights(getComputedStyle(document.body).color);
  seen.spectra=document.querySelectorAll("#tensors svg path").length;
  const out=document.createElement("pre");out.id="seen";out.textContent=JSON.stringify(seen);document.body.append(out);
});</script></body>"""


def safetensors(path: Path, tensors: dict[str, list[list[float]]]) -> None:
    """Writes matrices as F32."""
    header, data = {}, b""
    for name, rows in tensors.items():
        part = b"".join(struct.pack(f"<{len(row)}f", *row) for row in rows)
        header[name] = {
            "dtype": "F32", "shape": [len(rows), len(rows[0])], "data_offsets": [len(data), len(data) + len(part)]
        }  # fmt: skip
        data += part
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def pair(folder: Path) -> tuple[Path, Path]:
    """Two checkpoints whose layers differ ever more."""
    names = [f"model.layers.{layer}.{module}.weight" for layer in range(LAYERS) for module in MODULES]
    names += [HOSTILE, "lm_head.weight"]
    base = {name: [[1.0 + row + column for column in range(6)] for row in range(4)] for name in names}
    tuned = {
        name: [[value + 0.01 * number * (row == column) for column, value in enumerate(line)] for row, line in enumerate(rows)]
        for number, (name, rows) in enumerate(base.items(), 1)
    }
    files = folder / "base.safetensors", folder / "tuned.safetensors"
    for file, tensors in zip(files, (base, tuned), strict=True):
        safetensors(file, tensors)
    return files


def main() -> int:
    """Makes the page and looks at it."""
    chromium = browser.found()
    if chromium is None:
        print("SKIPPED page: there is no Chromium", file=sys.stderr)
        return 75
    failures = []

    def expect(holds: bool, what: str) -> None:
        print(f"{'passed' if holds else 'failed'} {what}")
        if not holds:
            failures.append(what)

    with tempfile.TemporaryDirectory(prefix="tenon-page-") as temporary:
        folder = Path(temporary)
        page, probed = folder / "page.html", folder / "probed.html"
        subprocess.run([sys.argv[1], "diff", *pair(folder), "--spectrum", "--html", page], stdout=subprocess.DEVNULL)
        html = page.read_text(encoding="utf-8")
        probed.write_text(html.replace("</body>", PROBE), encoding="utf-8")
        light = browser.look(chromium, probed, "--window-size=1200,900")
        dark = browser.look(chromium, probed, "--window-size=1200,900", browser.DARK)
        phone = browser.phone(chromium, folder, probed)
    count = LAYERS * len(MODULES) + 2
    expect(light["cells"] == count, f"{count} cells")
    expect(light["title"] == "What differs", "names are no markup")
    expect(light["first"] != light["down"] != light["right"], "arrow keys move the focus and show another tensor")
    expect(light["back"] == light["edge"] == light["first"], "and back, and not beyond the edge")
    expect(light["stops"] == 1, "the map is one stop of the tabulator")
    expect(light["falling"] == sorted(light["falling"], reverse=True), "a click sorts, largest first")
    expect(light["rising"] == sorted(light["rising"]) and light["sort"] == "ascending", "another turns it around")
    expect(light["spectra"] == count, "every matrix has its spectrum")
    expect(light["ground"] > light["text"] and dark["ground"] < dark["text"], "light and dark follow the system")
    expect(phone["width"] <= 390 and phone["scroll"] <= phone["width"], f"no scrolling aside at {phone['width']} px")
    print(f"{len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
