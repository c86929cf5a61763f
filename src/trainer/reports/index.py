"""The page that lists all reports, as Markdown: what each is, how old its data is, how its checks went, its cost."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.reports.provenance import Provenance

_FILES = {"report": "Markdown", "html": "HTML", "pdf": "PDF", "docx": "Word", "latex": "LaTeX"}


def index_markdown(reports: Sequence[Provenance], *, title: str) -> str:
    """The index of the reports, in the order given; links are relative to the output folder."""
    newest = max((report.date for report in reports if report.date), default=None)
    front = ["---", f"title: {_quoted(title)}", *([f"date: {newest}"] if newest else []), "language: en", "---", ""]
    lines = [
        *front,
        f"# {title}",
        "",
        "Table: Reports, with the newest date of their data",
        "",
        "| Report | Data as of | Written by | Checks | Cost | Files |",
        "| --- | --- | --- | --- | ---: | --- |",
        *(_row(report) for report in reports),
        "",
    ]
    return "\n".join(lines)


def _row(report: Provenance) -> str:
    links = {path.split("/")[1]: "/".join(path.split("/")[1:]) for path in (item.path for item in report.outputs)}
    main = links.get("html") or links.get("report", "")
    files = ", ".join(f"[{name}]({links[kind]})" for kind, name in _FILES.items() if kind in links)
    files += f", [provenance](json/{report.report}.json)"
    cells = (
        f"[{_cell(report.title)}]({main})",
        report.date or "no data",
        _writer(report),
        _checks(report),
        _cost(report),
    )
    return f"| {' | '.join(cells)} | {files} |"


def _writer(report: Provenance) -> str:
    model = str(report.completion.get("model", ""))
    return "no model (draft)" if report.completion.get("provider") == "draft" else _cell(model)


def _checks(report: Provenance) -> str:
    faults = [finding for finding in report.findings if finding.get("severity") != "note"]
    quality = report.scores.get("quality")
    said = "all well" if not faults else f"{len(faults)} to look at"
    return said if quality is None else f"{said}, quality {quality:.2f}"


def _cost(report: Provenance) -> str:
    cost = report.completion.get("cost")
    return "unknown" if cost is None else f"${cost:.4f}" if cost else "$0"


def _cell(text: str) -> str:
    for mark in ("\\", "|", "[", "]", "*", "_", "`", "<"):
        text = text.replace(mark, "\\" + mark)
    return text.replace("\n", " ")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
