#!/usr/bin/env python3
"""Runs the steps of `action.yml` one by one as a runner would, on a task that a script makes, in an empty folder.

    ci_action.py TENON [ARCHIVE]

ARCHIVE is a release's tarball; without one, a tarball of TENON alone is laid out as a release is. One run that passes;
one whose gate is too high, which must end with 1, say so in the summary, and keep nothing; and one with a broken line, which
must end before it is trained, unless the job is not strict. What other actions do
(keeping the artifact) is not run; that its files are there is looked at.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


class Runner:
    """The files and variables that a runner gives to the steps of a composite action."""

    def __init__(self, action: dict, place: Path, inputs: dict[str, str]) -> None:
        self.steps = action["runs"]["steps"]
        unknown = set(inputs) - set(action["inputs"])
        assert not unknown, f"no inputs of the action: {unknown}"
        self.inputs = {name: str(said.get("default", "")) for name, said in action["inputs"].items()} | inputs
        missing = [name for name, said in action["inputs"].items() if said.get("required") and name not in inputs]
        assert not missing, f"inputs are required: {missing}"
        self.place = place
        self.files = {name: place / name.lower() for name in ("GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in self.files.values():
            file.write_text("")
        (place / "temp").mkdir()

    def value(self, text: str) -> str:
        """A value with its expressions replaced; of the contexts only the inputs are known, all else is empty."""

        def replaced(found: re.Match) -> str:
            name = found[1].strip()
            return self.inputs[name.removeprefix("inputs.")] if name.startswith("inputs.") else ""

        return re.sub(r"\$\{\{(.*?)\}\}", replaced, text)

    def run(self) -> tuple[int, list[str]]:
        """The status of the step that ended it, and the names of those that ran."""
        ran = []
        for step in self.steps:
            if "uses" in step:
                for line in self.value(step["with"]["path"]).split():
                    assert (self.place / line).is_file(), f"{line}, which is to be kept, is not there"
                ran.append(step["name"])
                continue
            ran.append(step["name"])
            path = [line for line in self.files["GITHUB_PATH"].read_text().splitlines() if line]
            environment = {
                "PATH": os.pathsep.join([*path, "/usr/bin", "/bin"]), "HOME": str(self.place),
                "RUNNER_TEMP": str(self.place / "temp"), **{name: str(file) for name, file in self.files.items()},
                **{name: self.value(value) for name, value in step.get("env", {}).items()},
            }
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=self.place,
                env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                self.said = done.stdout + done.stderr
                return done.returncode, ran
        return 0, ran

    @property
    def summary(self) -> str:
        return self.files["GITHUB_STEP_SUMMARY"].read_text()


def laid_out(tool: Path, place: Path) -> Path:
    """A tarball with the tool where a release has it."""
    archive = place / "tenon.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tool, "tenon-built/bin/tenon")
    return archive


def broken_copy(data: Path, copy: Path) -> Path:
    """The data with a line in the training set that cannot be read."""
    shutil.copytree(data, copy)
    with (copy / "train.jsonl").open("a") as lines:
        lines.write("{\n")
    return copy


def main() -> None:
    tool = Path(sys.argv[1]).resolve()
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        archive = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else laid_out(tool, work)
        subprocess.run(
            [sys.executable, ROOT / "Scripts" / "make-task", work / "task"], check=True, stdout=subprocess.DEVNULL)
        inputs = {
            "base": str(work / "task" / "untrained"), "data": str(work / "task" / "copying"), "archive": str(archive),
            "options": "--method full --iters 20 --learning-rate 1e-3", "output": "made.tenon",
        }
        broken = broken_copy(work / "task" / "copying", work / "broken-data")
        for name, gates, status in (
            ("passes", {"max-loss": "5", "min": "accuracy=0.001"}, 0),
            ("fails", {"min": "accuracy=0.001 accuracy=0.99"}, 1),
            ("broken", {"data": str(broken)}, 65),
            ("typo", {"strict": "yes"}, 64),
            ("lenient", {"data": str(broken), "strict": "false"}, 0),
        ):
            place = work / name
            place.mkdir()
            runner = Runner(action, place, inputs | gates)
            found, ran = runner.run()
            assert found == status, f"{name}: status {found} after {ran}\n{getattr(runner, 'said', '')}"
            steps = ["Install", "Train", "Verify", "Report", "Keep"]
            assert ran == steps[: {0: 5, 1: 3, 64: 2, 65: 2}[status]], f"{name}: {ran}"
            if status >= 64:
                continue
            words = "`made.tenon` passes" if status == 0 else "`made.tenon` does not pass"
            assert words in runner.summary and ("## Storage report" in runner.summary) == (status == 0), runner.summary
            assert "adapter=made.tenon" in runner.files["GITHUB_OUTPUT"].read_text()
    print("ci action: its steps train, verify and report, and stop where the adapter does not pass")


if __name__ == "__main__":
    main()
