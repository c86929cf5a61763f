"""What a report shows of its figures' verdicts: a mark at what is unverified, and an appendix of sources."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from trainer.checks.document import APPENDIX_TITLES, read_document
from trainer.checks.figure import UNVERIFIED, Figure, FigureReport
from trainer.core.values import FIGURE_MARKS

_ABBREVIATED = ("mio.", "mrd.", "tsd.", "bio.", "h.")
_NOTES = {
    "en": {
        "contradicted": "Contradicted: the data of this report says otherwise.",
        "unsupported": "Not verified: neither the data nor the contexts of this report hold this figure.",
        "accepted": "Not verified, and accepted by a person.",
    },
    "de": {
        "contradicted": "Widerlegt: die Daten dieses Berichts sagen etwas anderes.",
        "unsupported": "Nicht bestätigt: weder die Daten noch die Texte dieses Berichts enthalten diese Zahl.",
        "accepted": "Nicht bestätigt, von einem Menschen angenommen.",
    },
    "fr": {
        "contradicted": "Contredit : les données de ce rapport disent autre chose.",
        "unsupported": "Non vérifié : ni les données ni les textes de ce rapport ne contiennent ce chiffre.",
        "accepted": "Non vérifié, accepté par une personne.",
    },
}
_STATUS = {
    "en": ("Of {of} figures, {parts}", "{count} contradicted by the data", "{count} not verified"),
    "de": ("Von {of} Zahlen {parts}", "{count} durch die Daten widerlegt", "{count} nicht bestätigt"),
    "fr": ("Sur {of} chiffres, {parts}", "{count} contredits par les données", "{count} non vérifiés"),
}
_COLUMNS = {
    "en": ("Measure", "Time", "Figures", "Source or formula"),
    "de": ("Grösse", "Zeit", "Zahlen", "Quelle oder Formel"),
    "fr": ("Mesure", "Date", "Chiffres", "Source ou formule"),
}
_WAYS = {
    "en": "One row a measure, with the figures that are written of it in the order of the text.",
    "de": "Eine Zeile je Grösse, mit den Zahlen, die davon geschrieben stehen, in der Folge des Textes.",
    "fr": "Une ligne par mesure, avec les chiffres qui en sont écrits, dans l’ordre du texte.",
}
_UNKNOWN = {"en": "not verified", "de": "nicht bestätigt", "fr": "non vérifié"}
_DATES = {"en": "Dates", "de": "Daten", "fr": "Dates"}
_MOST_FIGURES = 12
"""In one row: more are counted, not listed, for the row of a long table names its source all the same."""
_MOST_MEMBERS, _MOST_FORMULAS = 3, 2
_DOUBTED = ""
"""In place of the table of figures that stand in none."""


def annotate(
    markdown: str,
    report: FigureReport,
    *,
    language: str = "en",
    is_linked: bool = False,
    accepted: Mapping[tuple[int, int], str] | None = None,
) -> str:
    """The text with a mark behind each unverified figure and notes on what the marks mean; charts stay as they are.

    Contradicted and unsupported figures have marks of their own, and so have those that a person `accepted`: by line
    and column, who did and why. Where the appendix follows, `is_linked`, a mark leads to it, and says in its title
    what the data says: unverified figures are its first rows.
    """
    lines = markdown.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    charts = {
        line
        for block in read_document(markdown).blocks
        if block.kind in ("chart", "code")
        for line in range(block.line, block.line + block.text.count("\n") + 1)
    }
    table_language = _known(language)
    anchor = APPENDIX_TITLES[table_language].casefold().replace(" ", "-")
    marks = {}
    for figure in report.unverified:
        if figure.line in charts:
            continue
        by = (accepted or {}).get((figure.line, figure.column))
        mark = FIGURE_MARKS["accepted" if by else figure.verdict]
        title = " ".join((by or figure.message).replace('"', "'").replace("\\", "/").split())
        end = starts[figure.line - 1] + figure.column - 1 + len(figure.text)
        marks[end] = f'[{mark}](#{anchor} "{title.replace("|", "/")}")' if is_linked else mark
    for end in sorted(marks, reverse=True):
        markdown = markdown[:end] + marks[end] + markdown[end:]
    used = [kind for kind, mark in FIGURE_MARKS.items() if any(mark in one for one in marks.values())]
    notes = "".join(f"\n\n{FIGURE_MARKS[kind]} {_NOTES[table_language][kind]}" for kind in used)
    return f"{markdown.rstrip()}{notes}\n" if used else markdown


def verification_status(
    report: FigureReport, *, language: str = "en", accepted: Collection[tuple[int, int]] = ()
) -> str:
    """How many of a text's figures are not verified, in a line for its reader; empty where all are."""
    open_figures = [one for one in report.unverified if (one.line, one.column) not in accepted]
    if not open_figures:
        return ""
    counts = [sum(one.verdict == verdict for one in open_figures) for verdict in UNVERIFIED]
    words = _STATUS[_known(language)]
    parts = [word.format(count=count) for word, count in zip(words[1:], counts, strict=True) if count]
    return words[0].format(of=len(report.figures), parts=", ".join(parts))


def bare_text(markdown: str) -> str:
    """What a report says: its Markdown without front matter, title, notices, charts, marks and the appendix of sources.

    Notices are the quotations above its first section: of the writer without a model, of data out of date.
    """
    lines = markdown.split("\n")
    left_out: set[int] = set()
    for block in read_document(markdown).blocks:
        fences = 1 if block.kind == "chart" else 0
        is_title = block.kind == "heading" and block.level == 1
        is_notice = block.kind == "quote" and len(block.headings) < 2
        if block.appendix or is_title or is_notice or block.kind in ("front", "chart"):
            left_out |= set(range(block.line - fences, block.line + block.text.rstrip("\n").count("\n") + 1 + fences))
    text = "\n".join(line for number, line in enumerate(lines, 1) if number not in left_out)
    marks, notes = (
        "".join(FIGURE_MARKS.values()),
        "|".join(re.escape(note) for own in _NOTES.values() for note in own.values()),
    )
    text = re.sub(rf"^[{marks}] (?:{notes})\n?", "", text, flags=re.MULTILINE)
    text = re.sub(rf"\[[{marks}]\]\(#[^\s)]*(?: \"[^\"\n]*\")?\)|[{marks}]|<!-- /?keep -->\n?", "", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def sources_appendix(report: FigureReport, *, language: str = "en") -> str:
    """The appendix that names what is behind the figures, one row a measure of a table; empty without figures.

    Unverified figures come first, then the rows of one table together, in the order in which the text first states
    them; figures in words (`rose`, `the highest`) are left out.
    """
    figures = [figure for figure in report.figures if figure.kind not in ("direction", "rank", "size")]
    if not figures:
        return ""
    table_language = _known(language)
    head = _COLUMNS[table_language]
    lines = [
        f"## {APPENDIX_TITLES[table_language]}",
        "",
        _WAYS[table_language],
        "",
        _line(head),
        _line(["---"] * len(head)),
    ]
    return "\n".join([*lines, *_rows(figures, table_language)]) + "\n"


def _rows(figures: Sequence[Figure], language: str) -> Iterator[str]:
    groups: dict[tuple[str, ...], list[Figure]] = {}
    for figure in figures:
        groups.setdefault(_behind(figure), []).append(figure)
    tables = list(dict.fromkeys(key[0] for key in groups))
    for _, members in sorted(groups.items(), key=lambda group: (group[0][0] != _DOUBTED, tables.index(group[0][0]))):
        first = members[0]
        written = [figure for figure in members if not figure.chart] or members  # a chart repeats what it draws
        texts = " · ".join(_some([_bare(figure.text) for figure in written], _MOST_FIGURES))
        times = sorted({figure.date for figure in members if figure.date})
        time = times[0] if len(times) == 1 else f"{times[0]} – {times[-1]}" if times else ""
        if first.verdict in UNVERIFIED:
            yield _line((_UNKNOWN[language], time, texts, first.message))
        elif first.kind == "date":
            yield _line((_DATES[language], time, texts, _code(first.support)))
        else:
            formulas = "; ".join(_some([figure.formula for figure in members if figure.formula], _MOST_FORMULAS))
            source = formulas or _code(_common([figure.support for figure in members]))
            yield _line((_of_whom(members), time, texts, source))


def _behind(figure: Figure) -> tuple[str, ...]:
    """What figures share a row by, their table first: measure and table, or measure and operation."""
    if figure.verdict in UNVERIFIED:
        return (_DOUBTED, figure.message)
    if figure.kind == "date":
        return ("date", figure.verdict)
    if figure.verdict == "context":
        return ("context", figure.support)
    measure = figure.measure.partition(" (")[0] or figure.kind
    path = re.sub(r"/\d+(?=/|\Z)", "/*", figure.support.partition("; ")[0])
    table = path.rpartition("/")[0]
    return (table, measure, figure.operation) if figure.formula else (table, measure, path)


def _of_whom(figures: Sequence[Figure]) -> str:
    """The measure of some figures with the members that they are of: `Population (Brook; Arden; +3)`."""
    names = [figure.measure.partition(" (") for figure in figures]
    members = _some([rest[:-1] for _, _, rest in names if rest], _MOST_MEMBERS)
    return (names[0][0] or figures[0].kind) + (f" ({'; '.join(members)})" if members else "")


def _some(texts: Sequence[str], most: int) -> list[str]:
    """Each text once, the first of them, and how many more there are."""
    once = list(dict.fromkeys(texts))
    return [*once[:most], f"+{len(once) - most}"] if len(once) > most else once


def _common(supports: Sequence[str]) -> str:
    """The supports as one, with `*` for the places in which they differ: `key@3 /annual/*/revenue`."""
    parts = [support.partition("; ")[0].split("/") for support in supports]
    if len(set(supports)) == 1 or len({len(part) for part in parts}) > 1 or len({part[0] for part in parts}) > 1:
        return supports[0]
    return "/".join(names[0] if len(set(names)) == 1 else "*" for names in zip(*parts, strict=True))


def _bare(text: str) -> str:
    """A figure's text without punctuation behind it; an abbreviation keeps its stop."""
    return text if text.casefold().endswith(_ABBREVIATED) else text.rstrip(" .,;:")


def _code(support: str) -> str:
    return ", ".join(f"`{part}`" for part in support.split("; ")) if support else ""


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def _known(language: str) -> str:
    main = language.partition("-")[0]
    return main if main in _NOTES else "en"
