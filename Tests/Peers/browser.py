"""A headless browser that looks at pages: the probe in a page writes what it saw into an element with the id `seen`."""

import json
import shutil
import subprocess
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "headless_shell")
#: What the system says where people like it dark.
DARK = "--blink-settings=preferredColorScheme=0"


def found() -> str | None:
    """The browser that is there."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def run(browser: str, *options: str) -> subprocess.CompletedProcess:
    """The browser without a window."""
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=90)


def look(browser: str, page: Path, *options: str) -> dict:
    """What the probe saw."""
    result = run(browser, *options, "--dump-dom", page.as_uri())
    if '<pre id="seen">' not in result.stdout:
        raise SystemExit(f"the probe did not run: {result.stderr[-500:]}")
    text = result.stdout.split('<pre id="seen">')[1].split("</pre>")[0]
    return json.loads(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def framed(folder: Path, page: Path) -> Path:
    """A page that shows another as a phone would: a headless browser's narrowest window is wider."""
    path = folder / "framed.html"
    path.write_text(
        f'<body style="margin:0"><iframe src="{page.name}" width="390" height="840" id="f" style="border:0"></iframe><script>'
        'f.onload=()=>setTimeout(()=>{const seen=f.contentDocument.getElementById("seen");if(!seen)return;'
        'const out=document.createElement("pre");out.id="seen";out.textContent=seen.textContent;document.body.append(out);},500)'
        "</script>"
    )
    return path


def phone(browser: str, folder: Path, page: Path) -> dict:
    """What the probe saw on a phone."""
    return look(browser, framed(folder, page), "--allow-file-access-from-files", "--window-size=800,900")
