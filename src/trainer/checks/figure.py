"""A figure of a text with its verdict, and the report of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trainer.core.digest import pick
from trainer.core.errors import Where
from trainer.core.values import Finding, Json, Severity

Judgement = Literal["supported", "derived", "context", "contradicted", "unsupported"]
UNVERIFIED: tuple[Judgement, ...] = ("contradicted", "unsupported")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a text and what became of it."""

    line: int
    column: int
    text: str
    """As written."""
    kind: str
    """`money`, `percent`, `points`, `multiple`, `number`, `fraction`, `physical`, `time` or `date`; of words `direction`,
    `rank` or `size`."""  # noqa: E501
    value: float
    """With scale and sign; percent as written."""
    unit: str
    verdict: Judgement
    support: str = ""
    """The datum (`key@version path`), the inputs, or the context's `file:line`."""
    formula: str = ""
    """How a derived figure follows from its inputs."""
    message: str = ""
    """What is wrong, where something is."""
    date: str = ""
    """The date or period of the datum behind it."""
    stored: str = ""
    """The exact value behind it: of the datum, or of the formula."""
    chart: bool = False
    """Whether it stands among the rows of a chart."""
    measure: str = ""
    """What is measured, and of which members."""
    operation: str = ""
    """Of a derived figure: `share`, `change` …"""

    def finding(self) -> Finding:
        """The figure as a finding: an error where contradicted, a warning where unsupported, else a note."""
        severity: Severity = {"contradicted": "error", "unsupported": "warning"}.get(self.verdict, "note")  # type: ignore[assignment]
        where = Where("answer", self.line, self.column)
        return Finding(self.verdict, severity, self.message or self.formula, where, self.text, support=self.support)


@dataclass(frozen=True, slots=True)
class Unread:
    """A numeral that could not be read."""

    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class FigureReport:
    """All figures of a text."""

    figures: tuple[Figure, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()

    @property
    def unverified(self) -> tuple[Figure, ...]:
        """The figures that are contradicted or unsupported."""
        return tuple(figure for figure in self.figures if figure.verdict in UNVERIFIED)

    def document(self) -> dict[str, Json]:
        """The report as `trainer checks --json` prints it."""
        names = ("line", "column", "text", "kind", "verdict", "support", "formula", "message")
        findings = [pick(figure, *names) for figure in self.figures]
        unread = [pick(item, "line", "column", "text") for item in self.unread]
        return {"findings": findings, "scores": dict(self.scores), "unread": unread}
