"""What a report shows of its figures' verdicts: a mark at what is unverified, and an appendix of sources."""

from __future__ import annotations

from trainer.checks.document import APPENDIX_TITLES, MARK, read_document
from trainer.checks.figure import UNVERIFIED, Figure, FigureReport

_NOTES = {
    "en": "Not verified: neither the data nor the contexts of this report hold this figure.",
    "de": "Nicht bestätigt: weder die Daten noch die Texte dieses Berichts enthalten diese Zahl.",
    "fr": "Non vérifié : ni les données ni les textes de ce rapport ne contiennent ce chiffre.",
}
_COLUMNS = {
    "en": ("Figure", "Value", "Datum", "Date", "Formula"),
    "de": ("Zahl", "Wert", "Datum im Bestand", "Tag", "Formel"),
    "fr": ("Chiffre", "Valeur", "Donnée", "Date", "Formule"),
}
_UNKNOWN = {"en": "not verified", "de": "nicht bestätigt", "fr": "non vérifié"}


def annotate(markdown: str, report: FigureReport, *, language: str = "en") -> str:
    """The text with a mark behind each unverified figure and a note on its meaning; charts stay as they are."""
    lines = markdown.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    charts = _chart_lines(markdown)
    ends = {
        starts[figure.line - 1] + figure.column - 1 + len(figure.text)
        for figure in report.unverified
        if figure.line not in charts
    }
    for end in sorted(ends, reverse=True):
        markdown = markdown[:end] + MARK + markdown[end:]
    if not ends:
        return markdown
    return f"{markdown.rstrip()}\n\n{MARK} {_NOTES[_known(language)]}\n"


def sources_appendix(report: FigureReport, *, language: str = "en") -> str:
    """The appendix that names for each figure its value, datum, date and formula; empty where there is no figure."""
    if not report.figures:
        return ""
    known = _known(language)
    rows = list(dict.fromkeys(_row(figure, known) for figure in report.figures))
    head = _COLUMNS[known]
    lines = [f"## {APPENDIX_TITLES[known]}", "", _line(head), _line(["---"] * len(head)), *rows]
    return "\n".join(lines) + "\n"


def _row(figure: Figure, language: str) -> str:
    if figure.verdict in UNVERIFIED:
        return _line((figure.text, _UNKNOWN[language], _code(figure.support), figure.date, figure.message))
    return _line((figure.text, figure.stored, _code(figure.support), figure.date, figure.formula))


def _code(support: str) -> str:
    return ", ".join(f"`{part}`" for part in support.split("; ")) if support else ""


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def _chart_lines(markdown: str) -> set[int]:
    return {
        line
        for block in read_document(markdown).blocks
        if block.kind == "chart"
        for line in range(block.line, block.line + block.text.count("\n") + 1)
    }


def _known(language: str) -> str:
    main = language.partition("-")[0]
    return main if main in _NOTES else "en"
