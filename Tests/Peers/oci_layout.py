"""Holds `tenon store export` and `import` against skopeo.

    oci_layout.py TENON

What is exported can be looked at and copied by skopeo, from a folder and from a tar, and what it has copied is imported
again: the same objects under the same names. Exits 75, with a line that says why, where there is no skopeo.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

FIXTURES = pathlib.Path(__file__).parents[2] / "Fixtures" / "peft"
NAMES = {"team/support-bot:v3": "lora-llama", "other:latest": "loha", "a-b.c_d:V1.2-rc": "ia3"}


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"oci_layout: {' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def names(tenon, store):
    listed = json.loads(run(tenon, "store", "list", "--store", store, "--json"))["objects"]
    return {f"{entry['name']}:{entry['tag']}": entry["digest"] for entry in listed}


def main():
    tenon = pathlib.Path(sys.argv[1]).resolve()
    if shutil.which("skopeo") is None:
        print("SKIPPED oci_layout: there is no skopeo (apt-get install skopeo)")
        return 75
    skopeo = ["skopeo", "--insecure-policy"]
    with tempfile.TemporaryDirectory() as work:
        place = pathlib.Path(work)
        store = place / "store"
        run(tenon, "store", "init", "--store", store)
        for name, fixture in NAMES.items():
            run(tenon, "store", "add", FIXTURES / fixture, "--name", name, "--metadata", f"of={fixture}", "--store", store)
        run(tenon, "store", "export", "--all", "-o", place / "layout", "--store", store)
        run(tenon, "store", "export", "--all", "-o", place / "layout.tar", "--store", store)
        there = names(tenon, store)
        for name in NAMES:
            raw = run(*skopeo, "inspect", "--raw", f"oci:{place}/layout:{name}")
            manifest = json.loads(raw)
            assert manifest["artifactType"] == "application/vnd.tenon.delta.v1", raw
            title = manifest["layers"][0]["annotations"]["org.opencontainers.image.title"]
            assert title == there[name] + ".tenon", title
            run(*skopeo, "copy", f"oci:{place}/layout:{name}", f"oci:{place}/copied:{name}")
            run(*skopeo, "copy", f"oci-archive:{place}/layout.tar:{name}", f"oci:{place}/of-tar:{name}")
            assert run(*skopeo, "inspect", "--raw", f"oci:{place}/copied:{name}") == raw
            assert run(*skopeo, "inspect", "--raw", f"oci:{place}/of-tar:{name}") == raw
        run(*skopeo, "copy", f"oci:{place}/layout:other:latest", f"oci-archive:{place}/one.tar:other:latest")
        for source in ["copied", "of-tar", "layout.tar"]:
            other = place / f"store-{source}"
            run(tenon, "store", "init", "--store", other)
            run(tenon, "store", "import", place / source, "--store", other)
            assert names(tenon, other) == there, source
            run(tenon, "store", "fsck", "--level", "full", "--store", other)
            shown = json.loads(run(tenon, "store", "show", "other", "--store", other, "--json"))
            assert shown["metadata"]["of"] == "loha" and shown["origin"] == "peft", shown
        other = place / "store-one"
        run(tenon, "store", "init", "--store", other)
        run(tenon, "store", "import", place / "one.tar", "--store", other)
        assert names(tenon, other) == {"other:latest": there["other:latest"]}
        version = run("skopeo", "--version").split()[2]
        print(f"oci_layout: {len(NAMES)} objects through skopeo {version}, folders and tars, every digest as it was")
    return 0


if __name__ == "__main__":
    sys.exit(main())
