"""The figures, the bars they are held against, the table and the records."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

BARS = Path(__file__).resolve().parent / "bars.json"
HEADINGS = ("name", "asked", "seen", "ratio to peer", "ok", "note")


@dataclass(frozen=True)
class Bar:
    """One line of `bars.json`.

    `asked` is the goal, `floor` what must hold even on a machine that does other things; a figure with neither is
    told but not judged. `direction` is "at least", "at most" or "below".
    """

    name: str
    unit: str
    direction: str
    asked: float | None
    floor: float | None
    peer: str | None

    def goal(self) -> str:
        """What is asked, in words; nothing where nothing is."""
        return "" if self.asked is None else f"{self.direction} {self.asked:g}"

    def meets(self, seen: float, limit: float | None) -> bool:
        """Whether a figure is on the right side of a limit."""
        if limit is None:
            return True
        return {"at least": seen >= limit, "at most": seen <= limit, "below": seen < limit}[self.direction]


@dataclass(frozen=True)
class Figure:
    """What was seen. A firm figure is judged in a smoke too: it depends on neither time nor the size of the files."""

    bar: Bar
    seen: float | None
    ratio: float | None
    firm: bool
    note: str
    samples: list[float] = field(default_factory=list)


class Board:
    """Collects the figures of a run."""

    def __init__(self, groups: list[str], smoke: bool) -> None:
        bars = [Bar(**record) for record in json.loads(BARS.read_text())]
        self._bars = {bar.name: bar for bar in bars if bar.name.split("/")[0] in groups}
        self._smoke = smoke
        self._figures: list[Figure] = []

    def add(
        self,
        name: str,
        seen: float,
        *,
        ratio: float | None = None,
        firm: bool = False,
        note: str = "",
        samples: list[float] | None = None,
    ) -> None:
        """Adds a figure; one without a line in `bars.json` is a mistake."""
        self._figures.append(Figure(self._bars[name], seen, ratio, firm, note, samples or []))

    def broken(self, name: str, why: str) -> None:
        """Adds a figure that could not be had: below every floor."""
        self._figures.append(Figure(self._bars[name], None, None, True, why))

    def _judged(self, figure: Figure) -> bool:
        return figure.bar.floor is not None and (figure.firm or not self._smoke)

    def _verdict(self, figure: Figure) -> str:
        """ok, missed (the goal, not the floor), BELOW (the floor), or nothing where there is no judgement."""
        if figure.seen is None:
            return "BELOW"
        if not self._judged(figure):
            return ""
        if not figure.bar.meets(figure.seen, figure.bar.floor):
            return "BELOW"
        return "ok" if figure.bar.meets(figure.seen, figure.bar.asked) else "missed"

    def holds(self) -> bool:
        """Whether no figure is below its floor."""
        return all(self._verdict(figure) != "BELOW" for figure in self._figures)

    def table(self) -> str:
        """The figures in columns, those that nobody gave last."""
        rows = [HEADINGS]
        for figure in self._figures:
            bar = figure.bar
            seen = "" if figure.seen is None else f"{digits(figure.seen)} {bar.unit}"
            against = "" if figure.ratio is None else f"{figure.ratio:.3g} x {bar.peer}"
            rows.append((bar.name, bar.goal(), seen, against, self._verdict(figure), figure.note))
        seen_names = {figure.bar.name for figure in self._figures}
        missing = [bar for bar in self._bars.values() if bar.floor is not None and bar.name not in seen_names]
        rows += [(bar.name, bar.goal(), "not measured", "", "", "") for bar in missing]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        below = sum(self._verdict(figure) == "BELOW" for figure in self._figures)
        missed = sum(self._verdict(figure) == "missed" for figure in self._figures)
        total = f"{len(self._figures)} figures, {missed} short of what was asked, {below} below their floor"
        return "\n".join([*lines, "", total])

    def save(self, path: Path, facts: dict[str, str]) -> None:
        """Writes the records."""
        records = [
            asdict(figure.bar)
            | {"seen": figure.seen, "ratio": figure.ratio, "verdict": self._verdict(figure)}
            | {"note": figure.note, "samples": figure.samples}
            for figure in self._figures
        ]
        path.write_text(json.dumps({"machine": facts, "smoke": self._smoke, "figures": records}, indent=1) + "\n")


def digits(value: float) -> str:
    """Four significant digits; whole numbers as they are."""
    return str(int(value)) if float(value).is_integer() else f"{value:.4g}"
