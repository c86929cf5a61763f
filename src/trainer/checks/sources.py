"""What a report shows of its figures' verdicts: a mark at what is unverified, and an appendix of sources."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.checks.document import APPENDIX_TITLES, MARK, read_document
from trainer.checks.figure import UNVERIFIED, Figure, FigureReport, exact

_ABBREVIATED = ("mio.", "mrd.", "tsd.", "bio.", "h.")
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
_WAYS = {
    "en": "One row a datum or formula, with all that is written of it. "
    "Rows of charts, and dates of the data listed, stand here only where nothing else of the report states them.",
    "de": "Eine Zeile je Angabe oder Formel, mit allem, was davon geschrieben steht. "
    "Zeilen von Grafiken und Tage der aufgeführten Daten stehen hier nur, wo sonst nichts im Bericht sie nennt.",
    "fr": "Une ligne par donnée ou formule, avec tout ce qui en est écrit. "
    "Les lignes des graphiques et les dates des données citées ne figurent ici que si rien d’autre ne les donne.",
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
    """The appendix that names each datum and formula behind the figures, with value and date; empty without figures.

    Its rows stand in the order in which the text first states them.
    """
    if not report.figures:
        return ""
    known = _known(language)
    head = _COLUMNS[known]
    rows = dict.fromkeys(_row(figures, known) for figures in _grouped(report.figures))
    lines = [f"## {APPENDIX_TITLES[known]}", "", _WAYS[known], "", _line(head), _line(["---"] * len(head)), *rows]
    return "\n".join(lines) + "\n"


def _grouped(figures: Sequence[Figure]) -> list[list[Figure]]:
    """The figures by what is behind them; a chart's only where no other is, a date's only where no datum has it."""
    groups: dict[tuple[str, ...], list[Figure]] = {}
    for figure in figures:
        groups.setdefault(_behind(figure), []).append(figure)
    dated = {figure.date for figure in figures if figure.kind != "date"}
    kept = [
        [figure for figure in members if not figure.chart] or members
        for members in groups.values()
        if members[0].kind != "date" or members[0].verdict != "supported" or members[0].date not in dated
    ]
    return sorted(kept, key=lambda members: (members[0].line, members[0].column))


def _behind(figure: Figure) -> tuple[str, ...]:
    if figure.verdict in UNVERIFIED:
        return ("", figure.text, figure.support, figure.message)
    if figure.kind == "date":
        return ("date", figure.date)
    return (figure.verdict, figure.support, figure.formula, _value(figure))


def _row(figures: Sequence[Figure], language: str) -> str:
    first = figures[0]
    texts = " · ".join(dict.fromkeys(_bare(figure.text) for figure in figures))
    if first.verdict in UNVERIFIED:
        return _line((texts, _UNKNOWN[language], _code(first.support), first.date, first.message))
    return _line((texts, _value(first), _code(first.support), first.date, first.formula))


def _value(figure: Figure) -> str:
    """The stored value; of a figure from a passage, its own."""
    return figure.stored or exact(figure.value)


def _bare(text: str) -> str:
    """A figure's text without punctuation behind it; an abbreviation keeps its stop."""
    return text if text.casefold().endswith(_ABBREVIATED) else text.rstrip(" .,;:")


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
