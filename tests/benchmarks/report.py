"""The table that a run prints."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One target, met when `value` (as a rule the ratio) is at most `limit`; without a limit a line for comparison.

    `baseline` and `measured` are texts with their units.
    """

    target: str
    baseline: str
    measured: str
    value: float
    limit: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the target is reached; always where there is none."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def verdict(self) -> str:
        """The last column."""
        if self.limit is None:
            return "-"
        sign = ">=" if self.at_least else "<="
        return f"{'yes' if self.met else 'NO'} ({sign} {self.limit:g})"


HEADER = ("target", "baseline", "measured", "ratio", "met")


def render(lines: list[Line]) -> str:
    """The lines as a table of plain text."""
    rows = [
        HEADER,
        *((each.target, each.baseline, each.measured, f"{each.value:.3g}", each.verdict) for each in lines),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    shown = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([shown[0], "-+-".join("-" * width for width in widths), *shown[1:]])
