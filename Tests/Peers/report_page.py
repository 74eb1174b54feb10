"""A page of `tenon report --html` in a headless browser: charts, sorting, the keyboard, dark colors, a phone, a thousand rows.

`report_page.py TENON [FOLDER]` makes a thousand small adapters, writes the page and looks at it; with FOLDER it leaves pictures
there. It tells in how many milliseconds the page was loaded, the best of three, and does not judge that. Exit status 75, with a
line that says why, where no browser is there; 1 where something is not as it should be.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import browser

COUNT = 1000
MODELS = ("meta-llama/Llama-3.1-8B", "Qwen/Qwen2.5-7B", "mistralai/Mistral-7B-v0.3", "google/gemma-2-9b")
HOSTILE = "zz<script>document.title='broken'<script>"

#: Runs in the page: what is there, what the keys do, what the colors are.
PROBE = """
<script>addEventListener("load",()=>{
  const seen={},list=document.getElementById("items"),rows=()=>[...list.tBodies[0].rows];
  seen.time=performance.now();
  const press=key=>document.activeElement.dispatchEvent(new KeyboardEvent("keydown",{key,bubbles:true,cancelable:true}));
  const detail=()=>document.querySelector("#detail h3").textContent;
  seen.title=document.title;seen.rows=rows().length;
  seen.charts=[...document.querySelectorAll('svg[role="img"]')].map(svg=>[svg.getAttribute("class"),!!svg.getAttribute("aria-label")]);
  seen.tiles=document.querySelectorAll("svg.map rect").length;
  seen.outside=[...document.querySelectorAll("svg.map rect")].filter(r=>{
    const at=name=>Number(r.getAttribute(name));
    return at("x")<-.1||at("y")<-.1||at("x")+at("width")>1000.2||at("y")+at("height")>420.2}).length;
  rows()[0].focus();seen.first=detail();press("ArrowDown");seen.down=detail();press("ArrowUp");press("ArrowUp");seen.edge=detail();
  press("End");seen.last=detail();seen.stops=list.querySelectorAll('tr[tabindex="0"]').length;
  const buttons=[...list.querySelectorAll("button")],values=()=>rows().map(row=>Number(row.cells[4].dataset.v));
  seen.before=values();
  let start=performance.now();buttons[4].click();seen.sorting=performance.now()-start;seen.rising=values();
  seen.sort=list.tHead.rows[0].cells[4].getAttribute("aria-sort");buttons[4].click();seen.falling=values();
  buttons[0].click();seen.names=rows().map(row=>row.cells[0].textContent).slice(0,5);
  seen.width=innerWidth;seen.scroll=document.documentElement.scrollWidth;
  const lights=color=>color.match(/\\d+/g).slice(0,3).reduce((sum,part)=>sum+Number(part),0);
  seen.ground=lights(getComputedStyle(document.body).backgroundColor);
  seen.text=lights(getComputedStyle(document.body).color);
  seen.loaded=performance.getEntriesByType("resource").length;
  const out=document.createElement("pre");out.id="seen";out.textContent=JSON.stringify(seen);document.body.append(out);
});</script></body>"""


def adapter(folder: Path, number: int) -> None:
    """A LoRA as PEFT would save it; sizes, bases and ages differ."""
    rank = 2 << (number * 7 % 5)
    folder.mkdir(parents=True)
    header, data = {}, b""
    for layer in range(1 + number % 3):
        for name, shape in (("lora_A", [rank, 64]), ("lora_B", [64, rank])):
            count = shape[0] * shape[1]
            part = struct.pack(f"<{count}f", *(((i * 7919 + number * 31) % 2003) / 977 - 1 for i in range(count)))
            header[f"base_model.model.model.layers.{layer}.self_attn.q_proj.{name}.weight"] = {
                "dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(part)]
            }  # fmt: skip
            data += part
    text = json.dumps(header).encode()
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(struct.pack("<Q", len(text)) + text + data)
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "target_modules": ["q_proj"],
              "base_model_name_or_path": MODELS[number % len(MODELS)]}  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config))
    when = 1_700_000_000 + number * 43_200
    for file in folder.iterdir():
        os.utime(file, (when, when))


def base(path: Path) -> None:
    """A model that the adapters go onto, so that there is a full copy to compare with."""
    header, data = {}, b""
    for layer in range(3):
        part = bytes(64 * 64 * 2)
        header[f"model.layers.{layer}.self_attn.q_proj.weight"] = {
            "dtype": "BF16", "shape": [64, 64], "data_offsets": [len(data), len(data) + len(part)]
        }  # fmt: skip
        data += part
    part = bytes(400_000)
    header["model.embed_tokens.weight"] = {
        "dtype": "U8", "shape": [len(part)], "data_offsets": [len(data), len(data) + len(part)]
    }  # fmt: skip
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data + part)


def pictures(chromium: str, folder: Path, page: Path, target: Path) -> None:
    """Leaves pictures of the page in light, in dark and on a phone."""
    target.mkdir(parents=True, exist_ok=True)
    for name, options in (("light", []), ("dark", [browser.DARK])):
        browser.run(chromium, "--window-size=1200,1600", *options, f"--screenshot={target / name}.png", page.as_uri())
    options = "--allow-file-access-from-files", "--window-size=500,860", f"--screenshot={target / 'phone.png'}"
    browser.run(chromium, *options, browser.framed(folder, page).as_uri())


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

    with tempfile.TemporaryDirectory(prefix="tenon-report-") as temporary:
        folder = Path(temporary)
        for number in range(COUNT):
            name = HOSTILE if number == 500 else f"adapter-{number:04}"
            adapter(folder / "adapters" / f"team-{number % 9}" / name, number)
        base(folder / "base.safetensors")
        page, probed = folder / "page.html", folder / "probed.html"
        arguments = ["report", folder / "adapters", "--base", folder / "base.safetensors", "--html", page, "--quiet"]
        subprocess.run([sys.argv[1], *arguments], stdout=subprocess.DEVNULL, check=True)
        html = page.read_text(encoding="utf-8")
        probed.write_text(html.replace("</body>", PROBE), encoding="utf-8")
        light = browser.look(chromium, probed, "--window-size=1200,900")
        times = [light["time"], *(browser.look(chromium, probed, "--window-size=1200,900")["time"] for _ in range(2))]
        dark = browser.look(chromium, probed, "--window-size=1200,900", browser.DARK)
        phone = browser.phone(chromium, folder, probed)
        size = page.stat().st_size
        if len(sys.argv) > 2:
            pictures(chromium, folder, page, Path(sys.argv[2]))
    expect(size <= 2_000_000, f"{size} bytes for {COUNT} adapters")
    print(f"loaded after {min(times):.0f} ms, sorted in {light['sorting']:.0f} ms")
    expect(light["rows"] == COUNT and light["title"] == "What is stored", f"{COUNT} rows, and names are no markup")
    kinds = [kind for kind, _ in light["charts"]]
    expect(kinds.count("bar") == 5 and "map" in kinds and "line" in kinds, "bars of all bases, a map and a line")
    expect(all(named for _, named in light["charts"]), "each with a name for those who do not see it")
    expect(light["tiles"] > 100 and light["outside"] == 0, f"{light['tiles']} rectangles within their map")
    expect(light["first"] != light["down"] and light["edge"] == light["first"], "arrow keys move the focus and show another row")
    expect(light["last"] not in (light["first"], light["down"]) and light["stops"] == 1, "the table is one stop of the tabulator")
    falling = sorted(light["before"], reverse=True)
    expect(light["before"] == light["falling"] == falling, "largest first")
    expect(light["rising"] == falling[::-1] and light["sort"] == "ascending", "a click turns it around")
    expect(light["loaded"] == 0, "nothing is loaded from anywhere")
    expect(light["ground"] > light["text"] and dark["ground"] < dark["text"], "light and dark follow the system")
    expect(phone["width"] <= 390 and phone["scroll"] <= phone["width"], f"no scrolling aside at {phone['width']} px")
    print(f"{len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
