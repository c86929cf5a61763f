"""What a text claims: each figure with the words, members and times that it asserts or inherits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import pairwise
from typing import Literal

from trainer.checks.charts import chart_table, code_table
from trainer.checks.concepts import concepts
from trainer.checks.document import CheckedBlock, CheckedDocument
from trainer.checks.lexicon import CJK, Lexicon
from trainer.checks.numerals import Numeral, NumeralKind, Style, currencies, find_numerals, physical_units
from trainer.checks.times import TimeRef, find_times
from trainer.checks.view import FactsView

Members = tuple[tuple[str, str], ...]
"""The dimension and name of each member that a name may be of."""

_ABBREVIATIONS = "vs Nr No ca St Dr Mr Ms Co Mt Inc Ltd Mio Mrd Tsd bzw etc Jan Feb Mar Apr Aug Sep Oct Nov Dec Corp Sept Prof Rev approx i.e e.g p.a z.B d.h"  # noqa: E501
SENTENCE = re.compile(
    r"(?<![\s(.][A-Za-z]\.)"
    + "".join(rf"(?<!\b{re.escape(word)}\.)" for word in _ABBREVIATIONS.split())
    + r"(?<!\d\.)(?<=[.!?])[\"”»)*]*\s+(?=[\"“«(*]?[^\s\d\W]|[\"“«(*]?[$€£\d])"
    + r"|(?<=\d\.)[\"”»)*]*\s+(?=[\"“«(*]?[A-ZÄÖÜÉ])(?!(?:Jan|Feb|Fév|Mär|Mar|Apr|Avr|Mai|May|Jun|Jul|Aug|Sep|Okt|Oct|Nov|Dez|Dec|Dic|Ene|Abr|Quartal|Halbjahr)\w*)"  # noqa: E501
    + r"|(?<=[。！？])"
)
"""What stands between two sentences; the point of an ordinal (`31. Oktober`) is none."""
_BOUNDARY = re.compile(
    r"[;:()（）]|,(?!\d)|[、，；：]|\s[–—-]\s|\b(?:and|while|whereas|but|against|versus|vs|compared|after|despite|although|than|with|from|to|und|während"
    r"|aber|gegenüber|nach|auf|von|et|tandis|mais|contre|après|y|mientras|pero|frente|e|mentre|ma|contro)\b",
    re.IGNORECASE,
)
_TIME_CUT = re.compile(
    r"[;:()（）,，、；：]|\b(?:and|while|whereas|but|against|versus|compared|after|than|und|während|aber|gegenüber|als|et|mais|contre|y|pero|e|ma)\b",
    re.IGNORECASE,
)
"""What parts a figure from a time behind it."""


def _reaches(gap: str) -> bool:
    """Whether a time behind a figure is said of it: nothing parts them but the bracket it opens, few words in."""
    return bool(re.fullmatch(r"\s*[(（]\s*(?:[^\W\d_]+\s+){0,3}", gap)) or not _TIME_CUT.search(gap)


_DIGITS = re.compile(r"[\d½¼¾⅓⅔⅛]+(?:[.,][\d]+)*")
"""What is a numeral in any script; one that nothing reads is told as unread."""
_PLAIN_CODE = frozenset(["", "text", "txt", "plain", "plaintext", "console", "output", "csv", "tsv", "json", "jsonl"])
"""What the fence of code says that holds figures to read; the numbers of a program are none."""
_FAR = 600
"""How far from a figure words say anything about it."""
_MOST_CELLS = 20_000
_STATEMENT = 160
"""Longer sentences speak of figures rather than say what all are in."""


@dataclass(frozen=True, slots=True)
class TimeMention:
    """A time near a figure."""

    ref: TimeRef
    rank: int
    """0 for the nearest one, and so on."""
    before: bool = True


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure of a text and what binds it."""

    numeral: Numeral
    line: int
    column: int
    group: tuple[int, ...]
    """What it stands in: block and sentence, or block and row."""
    sentence: str
    before: str
    """The clause before it, up to the figure before."""
    after: str
    words: Mapping[str, float]
    """Asserted words by how near they are, and inherited ones at less than 0.3."""
    members: tuple[Members, ...] = ()
    """Asserted members, the nearest first."""
    inherited_members: tuple[Members, ...] = ()
    times: tuple[TimeRef, ...] = ()
    """Asserted times, the nearest first."""
    inherited_times: tuple[TimeRef, ...] = ()
    base_times: tuple[TimeRef, ...] = ()
    """Those of its times that something is compared with."""
    has_own_time: bool = True
    """Whether the first of its times is said of it, and not only somewhere in its sentence."""
    listed: bool = False
    """Whether it is one of three or more figures of a kind in its sentence, without times of their own."""
    head: str = ""
    """Of a cell: its row's and column's heads."""
    corner: str = ""
    """Of a cell: what the whole table says of its figures: corner cell, caption, heading."""
    column_head: str = ""
    is_cell: bool = False
    column_has_time: bool = False
    row_has_time: bool = False
    row: int = 0
    col: int = 0
    is_chart: bool = False
    start: int = 0
    """Offset of the numeral in its sentence."""
    section: str = ""
    """The heading above."""
    other: Numeral | None = None
    """The figure in the other scale that it may be in: bare where a caption gives one, and the other way round."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, or a row of a table, for predicates."""

    block: int
    number: int
    text: str
    line: int
    column: int
    group: tuple[int, ...]
    block_text: CheckedBlock
    start: int
    """Offset in the block's text."""

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset into the sentence."""
        return self.block_text.place(self.start + offset)


@dataclass(slots=True)
class Claims:
    """All that a text claims."""

    claims: list[Claim] = field(default_factory=list)
    sentences: list[Sentence] = field(default_factory=list)
    no_figures: list[tuple[int, int, Numeral]] = field(default_factory=list)
    """Numerals that are no figures, by line and column."""
    dates: list[tuple[int, int, TimeRef, str]] = field(default_factory=list)
    """Whole dates with line, column and sentence."""
    unread: list[tuple[int, int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Outer:
    """What a block inherits."""

    words: Mapping[str, float] = field(default_factory=dict)
    members: tuple[Members, ...] = ()
    times: tuple[TimeRef, ...] = ()


def read_claims(document: CheckedDocument, *, view: FactsView, lexicon: Lexicon, style: Style) -> Claims:
    """Every claim of a document, in the order of the text."""
    return _Reader(view, lexicon, style).read(document)


class _Reader:
    def __init__(self, view: FactsView, lexicon: Lexicon, style: Style) -> None:
        self.view = view
        self.lexicon = lexicon
        self.style = style
        self.out = Claims()
        self.title = _Outer()
        self.statement = ""
        """The last words that gave figures a scale."""

    def read(self, document: CheckedDocument) -> Claims:
        statement = ""
        previous = _Outer()
        for number, block in enumerate(document.blocks):
            if block.appendix or block.kind == "front":
                continue
            heading = self._outer(" ".join(block.headings[-1:]), 0.25)
            if block.kind == "heading":
                if not self.title.members and not self.title.times:
                    self.title = self._outer(block.text, 0.1)
                previous = _Outer()
                self._sentence(number, 0, block, 0, block.text, self.title)
                continue
            outer = _Outer(
                {**self.title.words, **heading.words, **previous.words},
                previous.members or heading.members or self.title.members,
                tuple(dict.fromkeys((*previous.times, *heading.times, *self.title.times))),
            )
            if block.kind == "code":
                self._code(number, block, outer)
                continue
            if block.kind in ("table", "chart"):
                self._table(number, _as_table(block), outer, statement, block.kind == "chart")
                self._take_statement(block.caption)
                self._take_statement(block.header[0].text if block.header else "")
                heads = " ".join(cell.text for cell in block.header)
                of_heads = self._outer(heads, 0.15)
                previous = replace(of_heads, times=previous.times or of_heads.times[:8])
                continue
            start = 0
            bounds = [
                *((cut.start(), cut.end()) for cut in SENTENCE.finditer(block.text)),
                (len(block.text), len(block.text)),
            ]
            for index, (end, following) in enumerate(bounds):
                sentence = block.text[start:end]
                own = self._sentence(number, index, block, start, sentence, outer)
                has_figures = bool(self.out.claims) and self.out.claims[-1].group == (number, index)
                if not has_figures and self._take_statement(sentence):
                    statement = sentence
                outer = _Outer(
                    {**outer.words, **dict.fromkeys(own.words, 0.2)},
                    own.members or outer.members,
                    tuple(dict.fromkeys((*own.times, *outer.times)))[:6],
                )
                start = following
            if block.kind == "text":
                previous = outer
            elif block.kind == "item":
                # Items stand beside one another: what one says of its time is not said of the next.
                previous = _Outer({**previous.words, **outer.words}, previous.members, previous.times)
        return self.out

    def _code(self, number: int, block: CheckedBlock, outer: _Outer) -> None:
        """The figures of code that is no program: a table in letters of one width, the output of a command, data."""
        if block.info not in _PLAIN_CODE:
            return
        if (table := code_table(block)) is not None:
            self._table(number, table, outer, "", is_chart=False)
            return
        offset = 0
        for index, line in enumerate(block.text.split("\n")):
            if line.strip():
                self._sentence(number, index, block, offset, line, outer)
            offset += len(line) + 1

    def _take_statement(self, text: str) -> bool:
        """Whether words give a scale (`in thousands of jobs`), which then holds for the bare figures that follow."""
        if len(text) >= _STATEMENT or scale_statement(text, self.lexicon)[0] == 1:
            return False
        self.statement = text
        return True

    def _outer(self, text: str, weight: float) -> _Outer:
        text = _blank_marks(text)[-2 * _FAR :]
        return _Outer(
            {word: weight for word, _, _ in concepts(text)},
            tuple(members for _, _, members in self.view.members_in(text)),
            tuple(find_times(text, lexicon=self.lexicon)),
        )

    def _sentence(self, number: int, index: int, block: CheckedBlock, offset: int, raw: str, outer: _Outer) -> _Outer:  # noqa: PLR0917
        text = _blank_marks(raw) if offset == 0 else raw
        words = concepts(text)
        members = self.view.members_in(text)
        times = find_times(text, lexicon=self.lexicon)
        line, column = block.place(offset)
        sentence = Sentence(number, index, text, line, column, (number, index), block, offset)
        self.out.sentences.append(sentence)
        numerals = find_numerals(text, lexicon=self.lexicon, style=self.style)
        for ref in times:
            if ref.kind == "day":
                self.out.dates.append((*block.place(offset + ref.start), ref, text))
        inside = [(ref.start, ref.end) for ref in times]
        read = [*inside, *((start, end) for start, end, _ in members), *((item.start, item.end) for item in numerals)]
        for match in _DIGITS.finditer(text):
            if not any(start < match.end() and match.start() < end for start, end in read):
                self.out.unread.append((*block.place(offset + match.start()), match[0]))
        figures = []
        for numeral in numerals:
            if any(start < numeral.end and numeral.start < end for start, end in inside):
                continue
            if any(start <= numeral.start < end for start, end, _ in members) and numeral.bare:
                continue
            if not numeral.bare and any(numeral.text in title for title in self.view.titles):
                continue  # `days above 15 µg/m³` is a measure's name
            if numeral.reason or (block.kind == "heading" and numeral.bare):
                self.out.no_figures.append((*block.place(offset + numeral.start), numeral))
            else:
                figures.append(numeral)
        cuts = [match.start() for match in _BOUNDARY.finditer(text)]
        paired = _paired_times(text, figures, times)
        listed_members = _listed_members(text, figures, members)
        for position, numeral in enumerate(figures):
            last = figures[position - 1].end if position else 0
            following = figures[position + 1].start if position + 1 < len(figures) else len(text)
            nearby = self._near(numeral, words, cuts, figures)
            said_of, beside = _nearest_members(text, numeral, members, listed_members.get(numeral.start))
            asserted = {**outer.words}
            for word, weight in nearby.items():
                asserted[word] = max(weight, asserted.get(word, 0.0))
            line, column = block.place(offset + numeral.start)
            self.out.claims.append(
                Claim(
                    numeral,
                    line,
                    column,
                    (number, index),
                    text,
                    text[last : numeral.start],
                    text[numeral.end : following],
                    asserted,
                    said_of,
                    (*beside, *outer.members),
                    *self._times(text, numeral, times, figures, cuts, outer, paired.get(numeral.start)),
                    listed=sum(figure.kind == numeral.kind for figure in figures) >= 3
                    and len(times) < 2
                    and (numeral.start - last <= 14 if position else following - numeral.end <= 14),
                    start=numeral.start,
                    other=self._stated(numeral),
                )
            )
        return _Outer(
            {word: 0.2 for word, _, _ in words},
            tuple(of for _, _, of in members),
            tuple(ref for ref in times if ref.kind not in ("previous", "year_ago") and not self._is_base(text, ref)),
        )

    def _times(  # noqa: PLR0917
        self,
        text: str,
        numeral: Numeral,
        times: Sequence[TimeRef],
        figures: Sequence[Numeral],
        cuts: Sequence[int],
        outer: _Outer,
        paired: TimeRef | None,
    ) -> tuple[tuple[TimeRef, ...], tuple[TimeRef, ...], tuple[TimeRef, ...], bool]:
        """The times that a figure asserts, the nearest first; those that its sentence inherits; whether the first is its own.

        A time behind a figure is its own up to the next figure; one before it reaches over all figures that follow, up to
        the next time; one behind `than`, `since` or `against` is what something is compared with.
        """  # noqa: E501
        if paired is not None:
            others = (ref for ref in times if ref != paired and ref.kind not in ("previous", "year_ago"))
            return (paired, *others), outer.times, (), True
        following = next((figure.start for figure in figures if figure.start > numeral.start), len(text))
        behind = [
            ref for ref in times if numeral.end <= ref.start < following and _reaches(text[numeral.end : ref.start])
        ]
        if self.lexicon.language in ("ja", "zh"):
            # There a time stands before what it is said of, or behind it in brackets.
            behind = [ref for ref in behind if re.fullmatch(r"\s*[(（]\s*", text[numeral.end : ref.start])]
        behind = [
            ref
            for ref in behind
            if following == len(text)
            or (
                ref.end <= following
                and (following - ref.end > 3 or text[ref.end] == "," or ref.start - numeral.end < 12)
            )
        ]
        before = [ref for ref in times if ref.end <= numeral.start][::-1]
        base = [ref for ref in times if self._is_base(text, ref)]
        own = [ref for ref in behind if ref not in base]
        nearest = next((ref for ref in before if ref not in base), None)
        if before and re.fullmatch(r"\s*(?:[(:（]\s*)?", text[before[0].end : numeral.start]):
            nearest = before[0]  # `than in 2023 (14.3 billion)`
        near_first = [nearest] if nearest and not own else []
        if (
            nearest
            and nearest.kind in ("previous", "year_ago")
            and any(nearest.end <= figure.start < numeral.start for figure in figures)
        ):
            near_first = []
        rest = [
            ref
            for ref in sorted(times, key=lambda ref: _distance(numeral, ref.start, ref.end, cuts))
            if ref not in own
            and ref not in near_first
            and (ref.kind not in ("previous", "year_ago") or (len(figures) == 1 and ref not in base))
        ]
        first = (*own, *near_first)
        rest = [*(ref for ref in rest if ref not in base), *(ref for ref in rest if ref in base)]
        is_own = bool(first) and not (
            first[0].kind in ("previous", "year_ago") and numeral.kind in ("percent", "points", "multiple")
        )
        return (*first, *rest), outer.times, tuple(ref for ref in base if ref not in first), is_own

    def _is_base(self, text: str, ref: TimeRef) -> bool:
        """Whether a time is what something is compared with: `than in 2023`, `since FY2024`."""
        if ref.kind in ("previous", "year_ago"):
            return False
        before = text[max(0, ref.start - 48) : ref.start]
        return bool(_base(self.lexicon.language).search(before))

    def _near(
        self, numeral: Numeral, words: Sequence[tuple[str, int, int]], cuts: Sequence[int], figures: Sequence[Numeral]
    ) -> dict[str, float]:
        weights: dict[str, float] = {}
        for word, start, end in words:
            if start < numeral.end and numeral.start < end:
                continue
            low, high = (end, numeral.start) if end <= numeral.start else (numeral.end, start)
            if high - low > _FAR:
                continue
            boundaries = sum(low <= cut <= high for cut in cuts)
            between = sum(low <= figure.start < high for figure in figures if figure is not numeral)
            weight = 0.985 ** ((high - low) / 4) * 0.75**boundaries * 0.7**between
            if start >= numeral.end and boundaries:
                weight *= 0.8
            weights[word] = max(weights.get(word, 0.0), weight, 0.35)
        return weights

    def _table(self, number: int, block: CheckedBlock, outer: _Outer, caption: str, is_chart: bool) -> None:
        grid = [block.header, *block.rows]
        if not block.header or sum(map(len, grid)) > _MOST_CELLS:
            return
        heads = [cell.text for cell in block.header]
        corner = heads[0] if heads else ""
        around = self._outer(f"{block.caption} {caption}", 0.15)
        if len(block.caption) < 90:
            caption = f"{block.caption} {caption}"
        corner_outer = self._outer(corner, 0.3)
        label_cols = self._label_columns(block)
        column_outer = [self._outer(head, 0.9) for head in heads]
        ranks = {
            at
            for at in range(min(2, len(heads)))
            if _is_rank_column([row[at].text for row in block.rows if at < len(row)])
        }
        for row_number, row in enumerate(block.rows):
            labels = " ".join(row[at].text for at in label_cols if at < len(row) and at not in ranks)
            row_outer = self._outer(labels, 0.9)
            row_times = tuple(find_times(labels, lexicon=self.lexicon, cell=True))
            row_text = " | ".join(cell.text for cell in row)
            for at, cell in enumerate(row):
                numerals = find_numerals(cell.text, lexicon=self.lexicon, style=self.style, cell=True)
                if at in ranks:
                    self.out.no_figures += [(cell.line, cell.column + numeral.start, numeral) for numeral in numerals]
                    continue
                times = find_times(cell.text, lexicon=self.lexicon, cell=at in label_cols)
                for ref in times:
                    if ref.kind == "day" and ref.year is not None and not is_chart:
                        self.out.dates.append((cell.line, cell.column + ref.start, ref, row_text))
                if at in label_cols:
                    continue
                head = heads[at] if at < len(heads) else ""
                head_times = tuple(find_times(head, lexicon=self.lexicon, cell=True))
                cell_times = (
                    tuple(find_times(cell.text, lexicon=self.lexicon)) if not numerals or len(cell.text) > 12 else ()
                )
                for numeral in numerals:
                    if any(ref.start <= numeral.start < ref.end and ref.kind != "year" for ref in cell_times):
                        continue
                    if numeral.reason:
                        self.out.no_figures.append((cell.line, cell.column + numeral.start, numeral))
                        continue
                    words = {**outer.words, **around.words, **corner_outer.words}
                    words |= column_outer[at].words if at < len(heads) else {}
                    words |= row_outer.words
                    own = self._outer(cell.text, 0.95)
                    words |= own.words
                    members = (*own.members, *row_outer.members, *(column_outer[at].members if at < len(heads) else ()))
                    scaled = self._scaled(numeral, head, labels, corner, caption)
                    self.out.claims.append(
                        Claim(
                            scaled,
                            cell.line,
                            cell.column + numeral.start,
                            (number, row_number),
                            row_text,
                            f"{labels} {head}",
                            "",
                            words,
                            members,
                            corner_outer.members or around.members or outer.members,
                            (*head_times, *row_times),
                            corner_outer.times or around.times or outer.times,
                            (),
                            True,
                            False,
                            f"{labels} | {head}",
                            f"{corner} | {caption}",
                            head,
                            True,
                            bool(head_times),
                            bool(row_times),
                            row_number,
                            at,
                            is_chart,
                            section=f"{block.headings[-1:]} {block.caption}",
                            other=numeral if scaled.scale != numeral.scale else None,
                        )
                    )

    def _label_columns(self, block: CheckedBlock) -> list[int]:
        """The columns that say what a row is: the first, and others without figures beside it."""
        width = len(block.header)
        labels = [0]
        for at in range(1, width):
            cells = [row[at].text for row in block.rows if at < len(row)]
            if (
                cells
                and not any(re.search(r"\d", text) for text in cells)
                and any(text.strip(" -–—") for text in cells)
            ) or (at <= 1 and cells and all(re.match(r"[^\W\d_]{2,}[ \w-]*[^\W\d_]{2,}", text) for text in cells)):
                labels.append(at)
        return labels

    def _stated(self, numeral: Numeral) -> Numeral | None:
        """A bare figure of running text in the scale that the last table or statement gave."""
        if not numeral.bare or numeral.digits < 3 or not self.statement:
            return None
        scale, kind, unit = scale_statement(self.statement, self.lexicon)
        return _in_scale(numeral, scale, kind, unit)

    def _scaled(self, numeral: Numeral, head: str, row: str, corner: str, caption: str) -> Numeral:
        """A bare cell in the unit and scale that its heads give, else the corner, the caption, the statement above."""
        if not numeral.bare:
            return numeral
        for text in (head, row, corner, caption):
            scale, kind, unit = scale_statement(text, self.lexicon)
            if scale == 1 and not kind:
                continue
            if text is not head and text is not row and _is_other_quantity(f"{head} {row}", kind):
                continue
            return _in_scale(numeral, scale, kind, unit)
        return numeral


def _in_scale(numeral: Numeral, scale: float, kind: NumeralKind | Literal[""], unit: str) -> Numeral:
    return replace(
        numeral,
        value=numeral.value * scale,
        low=numeral.low * scale,
        high=numeral.high * scale,
        scale=scale,
        kind=kind or numeral.kind,
        unit=unit,
        bare=False,
    )


@cache
def _base(language: str) -> re.Pattern[str]:
    """What stands before a time that something is compared with."""
    words = Lexicon(language).pattern("base").pattern
    return re.compile(
        rf"(?:{words})\s+(?:[^\W\d]+['’]?\s*){{0,4}}$",
        re.IGNORECASE,
    )


@lru_cache(maxsize=4096)  # a head is asked for each cell below it
def scale_statement(text: str, lexicon: Lexicon) -> tuple[float, NumeralKind | Literal[""], str]:  # noqa: C901, PLR0912
    """Scale, kind and unit that a head such as `USD m`, `in Mio. EUR`, `Rainfall (mm)` or `Day, %` gives bare numbers."""  # noqa: E501
    if not text.strip():
        return 1.0, "", ""
    scale, unit = 1.0, ""
    kind: NumeralKind | Literal[""] = ""
    scales = lexicon.mapped("scales")
    for match in re.finditer(rf"[^\W\d_{CJK}]+\.?|[{CJK}]+|[$€£¥￥]", text):
        word = match[0].casefold()
        if re.search(r"\d[\s\u00a0]?$", text[: match.start()]) or re.match(r"[1-9]", text[match.end() :]):
            continue  # `$10-20k`, `>150k` are bands, whose sign and scale say nothing of the cells below
        whole = word if word in scales else word.rstrip(".")
        if (
            whole in scales
            and (
                len(whole) > 1
                or re.search(r"[,(]\s*$|[$€£¥]\s*$|\b(?:USD|EUR|CHF|CNY|GBP|JPY|RMB)\s*$", text[: match.start()])
            )
            and not (len(whole) == 1 and re.match(r"\w", text[match.end() : match.end() + 1]))
        ):
            scale = max(scale, 10.0 ** scales[whole])
        for name in _unspaced(tuple(scales)):
            if name in match[0] and len(name) > 1:
                scale = max(scale, 10.0 ** scales[name])
        glued = re.fullmatch(r"(usd|eur|chf|gbp|cny|rmb|jpy)(m|mn|bn|k|b)", word)
        if glued:
            scale, kind, unit = 10.0 ** scales[glued[2]], "money", currencies()[glued[1]]
        code = currencies().get(match[0]) or (
            currencies().get(word) if len(word) > 3 or match[0].isupper() or not match[0][:1].isalpha() else None
        )
        if code and not kind:
            kind, unit = "money", code
        for name in _unspaced(tuple(currencies())):
            if name in match[0] and not kind:
                kind, unit = "money", currencies()[name]
    if (re.search(r"%|％", text) or lexicon.has("percent", text)) and not kind:
        kind = "percent"
    bracket = re.search(r"(?:[(\[（]|, |\bin ) ?([^()\[\]（）,]{1,14}?) ?[)\]）]? ?$", " ".join(text.split()))
    if bracket and not kind and scale == 1:
        spelling = physical_units().get(bracket[1]) or physical_units().get(bracket[1].casefold())
        if spelling and (len(bracket[1]) > 1 or "(" in text):
            kind, unit = "physical", spelling
        elif bracket[1] in ("x", "×", "times"):
            kind = "multiple"
    return scale, kind, unit


@cache
def _unspaced(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those in scripts that put no spaces between words, which are looked for inside of words."""
    return tuple(name for name in names if re.match(rf"[{CJK}]", name))


_NOT_MONEY = re.compile(
    r"\b(?:shares?|aktien|actions|employees?|mitarbeit\w*|beta|ratio|multiple|p/e|kgv|number|volume|units|days|per share|eps|je aktie|par action|count|stores)\b|[x×]$",  # noqa: E501
    re.IGNORECASE,
)


def _is_other_quantity(head: str, kind: str) -> bool:
    """Whether a head names a quantity that a table's unit of money cannot be of."""
    return kind == "money" and bool(_NOT_MONEY.search(head))


def _is_rank_column(cells: Sequence[str]) -> bool:
    """Whether a column numbers its rows."""
    numbers = [int(text.rstrip(".")) for text in cells if re.fullmatch(r"\d{1,3}\.?", text)]
    rest = [text for text in cells if text and not re.fullmatch(r"\d{1,3}\.?", text)]
    return (
        len(numbers) >= 2
        and len(rest) <= 1
        and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        and numbers[0] in (0, 1)
    )


def _nearest_members(
    text: str, numeral: Numeral, members: Sequence[tuple[int, int, Members]], listed: Members | None
) -> tuple[tuple[Members, ...], tuple[Members, ...]]:
    """The members of a sentence that a figure is said of, and those that its sentence only names.

    Of the first, the `listed` one of a list of as many figures goes before all, then one right behind it, then the last
    one before it, then the others. Where members stand only behind it and past a comma, they are of what follows.
    """
    behind = [item for item in members if item[0] >= numeral.end]
    own = [item for item in behind[:1] if item[0] - numeral.end < 40 and _reaches(text[numeral.end : item[0]])]
    if own and re.search(r"\d", text[numeral.end : own[0][0]]):
        own = []
    before = [item for item in members if item[1] <= numeral.start][::-1]
    nearest = next((item for item in before if own and _dimensions(item[2]) & _dimensions(own[0][2])), None)
    if nearest and not _TIME_CUT.search(text[nearest[1] : numeral.start]):
        own = []
    rest = [item[2] for item in behind if item not in own]
    first = tuple(of for _, _, of in (*own, *before))
    if listed is not None:
        first = (listed, *(of for of in first if of != listed))
    return ((*first, *rest), ()) if first else ((), tuple(rest))


_BETWEEN = re.compile(r"\s*(?:and|to|und|bis|et|à|y|a|e|até|hasta|en|[-–—])\s*(?:l['’]\s?)?", re.IGNORECASE)
"""Between the two times of a span."""
_FROM_TO = re.compile(
    r"[^\d.;:,()]{0,24}?(?<!\w)(?:to|auf|à|a|para|até|hasta)\s+(?:(?:about|rund|environ|unos)\s+)?[$€£¥]?\s?",
    re.IGNORECASE,
)
"""Between the two figures of a change: `from 48.6 to 39.1`, `de 515 millions à 555`."""
_AND_THEN = re.compile(r"[^\d.;:,()]{0,24}?(?:,|(?<!\w)(?:and|und|et|y|e))\s+[$€£¥]?\s?", re.IGNORECASE)
_RESPECTIVELY = re.compile(
    r"(?<!\w)(?:respectively|jeweils|beziehungsweise|respectivement|respectivamente)(?!\w)", re.IGNORECASE
)


def _paired_times(text: str, figures: Sequence[Numeral], times: Sequence[TimeRef]) -> dict[int, TimeRef]:
    """By where it starts, the time of each figure of a change over a span: the first is of its start, the second of its end.

    `Between 2004 and 2006 it fell from 48.6 to 39.1`, `from 518 to 555 between 1961 and 1962`; with `respectively` also
    figures and times that are only listed.
    """  # noqa: E501
    absolute = [ref for ref in times if ref.kind not in ("previous", "year_ago")]
    spans = [
        (one, two)
        for one, two in pairwise(absolute)
        if _BETWEEN.fullmatch(text[one.end : two.start]) and one.kind == two.kind
    ]
    pairs = [
        (one, two)
        for one, two in pairwise(figures)
        if one.kind in (two.kind, "number") and _FROM_TO.fullmatch(_gap(text, one, two, times))
    ]
    if not spans and len(pairs) > 1:
        # `grew from 6.5 in 1935 to 238.7 in 1954, while its value rose from 197.0 to 927.3`
        behind = [next((ref for ref in absolute if 0 <= ref.start - item.end <= 8), None) for item in pairs[0]]
        if behind[0] and behind[1]:
            later = [pair for pair in pairs[1:] if pair[0].start > behind[1].end]
            later = [pair for pair in later if not any(ref.start > pair[0].start for ref in absolute)]
            return {item.start: ref for pair in later for item, ref in zip(pair, behind, strict=True) if ref}
    if len(spans) != 1:
        return {}
    first, last = spans[0]
    paired: dict[int, TimeRef] = {}
    joints = (_FROM_TO, _AND_THEN) if _RESPECTIVELY.search(text) else (_FROM_TO,)
    for one, two in pairwise(figures):
        is_inside = one.end <= first.start < two.start
        if one.kind in (two.kind, "number") and not is_inside:
            gap = text[one.end : two.start]
            if any(joint.fullmatch(gap) for joint in joints):
                paired |= {one.start: first, two.start: last}
    return paired


def _gap(text: str, one: Numeral, two: Numeral, times: Sequence[TimeRef]) -> str:
    """What stands between two figures, without the times behind the first."""
    gap = text[one.end : two.start]
    for ref in times:
        if one.end <= ref.start and ref.end <= two.start:
            gap = gap.replace(text[ref.start : ref.end], "")
    gap = re.sub(r"[(（][^()（）]*[)）]", "", gap)
    return re.sub(r"(?<!\w)(?:in|im|en|em)\s+(?=to|auf|à|a|hasta|para|até)", "", gap)


_LIST_JOINT = re.compile(r",?\s*(?:and|und|et|y|e|,|、|と)\s*(?:in\s+|the\s+)?", re.IGNORECASE)


def _listed_members(
    text: str, figures: Sequence[Numeral], members: Sequence[tuple[int, int, Members]]
) -> dict[int, Members]:
    """By where it starts, the member of each figure of a list behind as many members: `A and B had 60.3 and 62.0`."""
    runs: list[list[tuple[int, int, Members]]] = []
    for item in members:
        joined = runs and _LIST_JOINT.fullmatch(text[runs[-1][-1][1] : item[0]])
        if joined:
            runs[-1].append(item)
        else:
            runs.append([item])
    paired: dict[int, Members] = {}
    for number, run in enumerate(runs):
        end = runs[number + 1][0][0] if number + 1 < len(runs) else len(text)
        own = [figure for figure in figures if run[-1][1] <= figure.start < end]
        if len(run) < 2 or len(own) != len(run) or len({figure.kind for figure in own}) > 1:
            continue
        if all(_LIST_JOINT.fullmatch(text[one.end : two.start]) for one, two in pairwise(own)):
            paired |= {figure.start: item[2] for figure, item in zip(own, run, strict=True)}
    return paired


def _dimensions(members: Members) -> set[str]:
    return {dimension for dimension, _ in members}


def _distance(numeral: Numeral, start: int, end: int, cuts: Sequence[int]) -> tuple[float, int]:
    """How far words are from a figure; those after it count as further."""
    low, high = (end, numeral.start) if end <= numeral.start else (numeral.end, start)
    boundaries = sum(low <= cut <= high for cut in cuts)
    return (high - low) + 25 * boundaries + (10 if start >= numeral.end else 0), start


_ITEM = re.compile(
    r"^(?:[ \t>]*)(?:[-*+•]|\d{1,3}[.)]|[a-z]\))[ \t]+|(?<=\n)[ \t]*(?:[-*+•]|\d{1,3}[.)]|[a-z]\))[ \t]+"
)


def _blank_marks(text: str) -> str:
    """The text without the marks of list items, as long as before."""
    return _ITEM.sub(lambda match: " " * len(match[0]), text)


def _as_table(block: CheckedBlock) -> CheckedBlock:
    if block.kind != "chart":
        return block
    return chart_table(block)
