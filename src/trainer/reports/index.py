"""The page that lists all reports, as Markdown: what each is, how old its data is, how its checks went, its cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from trainer.core.formats import FORMATS
from trainer.reports.compose import escaped, quoted
from trainer.reports.provenance import Provenance

INDEX_TEMPLATE = Path(__file__).with_name("index.html")
"""The page's template: that of reports, and a search by title; the search needs the page's one script."""

_FIRST = ("markdown", "html", "pdf")
_FILES = {FORMATS[name].output_folder: FORMATS[name].title for name in (*_FIRST, *sorted({*FORMATS} - {*_FIRST}))}
"""What a report's files are called, by their folder, in the order they are listed."""


def index_markdown(reports: Sequence[Provenance], *, title: str) -> str:
    """The index of the reports, in the order given; links are relative to the output folder."""
    newest = max((report.date for report in reports if report.date), default=None)
    front = ["---", f"title: {quoted(title)}", *([f"date: {newest}"] if newest else []), "language: en", "---", ""]
    lines = [
        *front,
        f"# {escaped(title)}",
        "",
        _summary(reports),
        "",
        "Table: Reports, with the dates of their data",
        "",
        "| Report | Data as of | Written by | Checks | Cost | Files |",
        "| --- | --- | --- | --- | ---: | --- |",
        *(_row(report) for report in reports),
        "",
    ]
    return "\n".join(lines)


def main_page(report: Provenance) -> str:
    """The file to open first, relative to the output folder: HTML where there is some, else Markdown."""
    links = _links(report)
    return links.get("html") or links.get("report") or f"json/{report.report}.json"


def describe_checks(report: Provenance) -> str:
    """How its checks went, in a few words."""
    faults, quality = report.faults, report.scores.get("quality")
    if not faults and quality is None:
        return "not checked"
    verdict = "all well" if not faults else f"{len(faults)} to look at"
    return verdict if quality is None else f"{verdict}, quality {quality:.2f}"


def writing_cost(report: Provenance) -> float | None:
    """What its completion cost when it was written, in US dollars; None where the price is not known."""
    cost = report.completion.get("cost")
    return cost if isinstance(cost, int | float) else None


def describe_cost(cost: float | None) -> str:
    """US dollars, or that the price is not known."""
    return "unknown" if cost is None else f"${cost:.4f}" if cost else "$0"


def _row(report: Provenance) -> str:
    links = _links(report)
    files = [f"[{name}]({links[kind]})" for kind, name in _FILES.items() if kind in links]
    files.append(f"[provenance](json/{report.report}.json)")
    cells = (
        f"[{escaped(report.title)}]({main_page(report)})",
        _days(report),
        _writer(report),
        describe_checks(report),
        describe_cost(writing_cost(report)),
        ", ".join(files),
    )
    return f"| {' | '.join(cells)} |"


def _summary(reports: Sequence[Provenance]) -> str:
    """How many there are, how many want a look, and what they cost together."""
    faulty = sum(describe_checks(report).partition(" ")[0].isdigit() for report in reports)
    costs = [writing_cost(report) for report in reports]
    total = describe_cost(sum(cost for cost in costs if cost))
    cost = f"{total} and what is unknown" if None in costs else total
    count = "1 report" if len(reports) == 1 else f"{len(reports)} reports"
    looks = f"{faulty} to look at" if faulty else "none with anything to look at"
    return f"{count}, {looks}; cost of writing: {cost}."


def _days(report: Provenance) -> str:
    """The newest date of the data, and the oldest where it is another."""
    if report.date is None:
        return "no data"
    oldest = min((block.as_of for block in report.data if block.as_of), default=report.date)
    return report.date if oldest >= report.date else f"{oldest} to {report.date}"


def _writer(report: Provenance) -> str:
    model = str(report.completion.get("model", ""))
    return "no model (draft)" if report.completion.get("provider") == "draft" else escaped(model)


def _links(report: Provenance) -> Mapping[str, str]:
    """The report's files by folder, relative to the output folder."""
    parts = [item.path.split("/") for item in report.outputs]
    return {path[1]: "/".join(path[1:]) for path in parts if len(path) == 3}
