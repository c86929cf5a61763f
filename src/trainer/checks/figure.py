"""A figure of a text with its verdict, and the report of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trainer.checks.datums import Datum
from trainer.checks.derive import Derivation
from trainer.checks.mentions import Mention
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
    """`money`, `percent`, `points`, `multiple`, `number`, `fraction`, `duration`, `rank` or `date`."""
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

    def finding(self) -> Finding:
        """The figure as a finding: an error where contradicted, a warning where unsupported, else a note."""
        severity: Severity = {"contradicted": "error", "unsupported": "warning"}.get(self.verdict, "note")  # type: ignore[assignment]
        where = Where("answer", self.line, self.column)
        return Finding(self.verdict, severity, self.message or self.formula, where, self.text, support=self.support)


@dataclass(frozen=True, slots=True)
class FigureReport:
    """All figures of a text."""

    figures: tuple[Figure, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def unverified(self) -> tuple[Figure, ...]:
        """The figures that are contradicted or unsupported."""
        return tuple(figure for figure in self.figures if figure.verdict in UNVERIFIED)

    def document(self) -> dict[str, Json]:
        """The report as `trainer checks --json` prints it."""
        names = ("line", "column", "text", "kind", "verdict", "support", "formula", "message")
        findings = [{name: getattr(figure, name) for name in names} for figure in self.figures]
        return {"findings": findings, "scores": dict(self.scores)}


def shown(
    mention: Mention,
    verdict: Judgement,
    support: str = "",
    *,
    formula: str = "",
    message: str = "",
    date: str = "",
    stored: str = "",
) -> Figure:
    """The figure that a mention is, with its verdict."""
    numeral = mention.numeral
    unit = numeral.currency or {"percent": "percent", "points": "percentage points", "multiple": "times"}.get(
        numeral.kind, ""
    )
    return Figure(
        mention.line, mention.column, numeral.text, numeral.kind, numeral.value, unit, verdict, support, formula,
        message, date, stored, mention.chart,
    )  # fmt: skip


def derived_figure(mention: Mention, derived: Derivation) -> Figure:
    """The figure that follows from datums."""
    support = "; ".join(dict.fromkeys(datum.support for datum in derived.inputs[:4]))
    return shown(
        mention,
        "derived",
        support,
        formula=derived.formula,
        date=max(datum.last for datum in derived.inputs),
        stored=exact(derived.value),
    )


def contradicted(mention: Mention, datum: Datum) -> Figure:
    """The figure that a datum contradicts."""
    value = exact(datum.value)
    unit = f" {datum.unit}" if datum.unit else ""
    message = f"{datum.title} is {value}{unit} ({datum.last}), not {mention.numeral.text}"
    return shown(mention, "contradicted", datum.support, message=message, date=datum.last, stored=exact(datum.value))


def exact(value: float) -> str:
    """A stored value as people read it: whole from a billion on, else ten digits."""
    return f"{value:,.10g}" if abs(value) < 1e9 else f"{value:,.0f}"
