"""JSON from free text: every candidate, ranked; the best one is the answer, and nothing about it is silent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from trainer.convert.jsontext.fit import fit
from trainer.convert.jsontext.reader import LenientReader, Unreadable
from trainer.core.digest import canonical
from trainer.core.reasoning import split_reasoning
from trainer.core.values import Json

JsonSource = Literal["whole", "fence", "prose", "lines"]

_FENCE = re.compile(
    r"^[ \t>]*+(`{3,}+|~{3,}+)[ \t]*+([\w+-]*+)[^\n]*+\n(.*?)(?:^[ \t>]*+\1[ \t]*+$|\Z)", re.DOTALL | re.MULTILINE
)
_GLUED = re.compile(r"(?<!`)(`{3,}+)(?:json[5cl]?)?+\s*+(?=[{\[])")
"""A fence around data that shares its line with other things."""
_GLUED_END = re.compile(r"(?<!\n)(`{3,}+)(?!json)")
_JSON_LANGUAGES = ("json", "jsonc", "json5", "jsonl", "ndjson")
_DATA_LANGUAGES = (*_JSON_LANGUAGES, "", "javascript", "js", "python", "py", "ts", "typescript", "text")
_LIKE_DATA = re.compile(r"""\{\s*(?:["'“]|\w+["']?\s*:)|\[\s*[\[{"'“]""")
_UNOPENED = re.compile(r"""["'][^"'\n]{1,60}["']\s*:""")
_BRACKET = re.compile(r"[{}\[\]]")
_GOES_ON = re.compile(r"""\s*[,:\]}"'\[{]""")
_MOST_TRIES = 60
_LONGEST = 4_000_000


@dataclass(frozen=True, slots=True)
class JsonCandidate:
    """One value found in a text."""

    value: Json
    source: JsonSource
    repairs: tuple[str, ...] = ()
    truncated: bool = False
    """Whether the text ended before the value did."""
    fit: float = 0.0
    """How well it fits the schema, from 0 to 1; 0 without a schema."""
    position: int = 0


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was found in a text."""

    candidates: tuple[JsonCandidate, ...] = ()
    """Best first."""
    ambiguous: bool = False
    """Whether another, different value was as good, and the first choice is a guess."""
    reason: str = ""
    """Why nothing was found, where nothing was."""

    @property
    def found(self) -> bool:
        """Whether there is a value; `null` is one."""
        return bool(self.candidates)

    @property
    def value(self) -> Json:
        """The best value; None where there is none."""
        return self.candidates[0].value if self.candidates else None

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was mended in the best value."""
        return self.candidates[0].repairs if self.candidates else ()

    @property
    def truncated(self) -> bool:
        """Whether the best value was cut off."""
        return bool(self.candidates) and self.candidates[0].truncated


def extract_json(text: str, schema: Mapping[str, Any] | None = None) -> Extraction:
    """The JSON in a text: as it is where it is valid, else the best of what can be read, by schema, place and size."""
    if len(text) > _LONGEST:
        return Extraction(reason=f"longer than {_LONGEST} characters")
    whole = _strict(text.strip())
    if whole is not None and (schema is None or isinstance(whole.value, dict | list)):
        candidates = [whole]
    else:
        candidates = _unique(_candidates(split_reasoning(text)[0]))
    if schema is not None:
        candidates = [fitted for candidate in candidates for fitted in _fitted(candidate, schema)]
    ranked = sorted(candidates, key=_rank, reverse=True)
    if not ranked:
        return Extraction(reason="no JSON in it that can be read without guessing")
    return Extraction(tuple(ranked), ambiguous=_ambiguous(ranked))


def _strict(text: str) -> JsonCandidate | None:
    """The text as valid JSON, or None; a key that stands twice is told."""
    repairs: list[str] = []
    try:
        value = json.loads(text, object_pairs_hook=_members(repairs), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return JsonCandidate(value, "whole", tuple(repairs))


def _members(repairs: list[str]) -> Callable[[list[tuple[str, Json]]], Json]:
    """What makes an object of its members, and tells of a key that stands twice."""

    def members(pairs: list[tuple[str, Json]]) -> Json:
        value = dict(pairs)
        if len(value) < len(pairs) and not repairs:
            repairs.append("of a key that stands twice the last one kept")
        return value

    return members


def _candidates(text: str) -> Iterator[JsonCandidate]:
    """All values in a text, in its order: as a whole, in fences, line by line, in prose."""
    stripped = text.strip()
    if candidate := _strict(stripped):
        yield candidate
        return
    if lines := _lines(stripped):
        yield lines
        return
    if stripped[:1] in ("{", "[") and (whole := _whole(stripped)):
        yield whole
        return
    if _UNOPENED.match(stripped) and stripped.endswith("}"):
        if opened := _tolerant(f"{{{stripped}", 0, "whole", to_end=True):
            yield replace(opened, repairs=("missing { added", *opened.repairs))
        return
    if not _FENCE.search(text):
        text = _GLUED_END.sub(r"\n\1\n", _GLUED.sub(r"\n\1json\n", text))
    covered: list[tuple[int, int]] = []
    for fence in _FENCE.finditer(text):
        candidate = _in_fence(fence)
        if candidate:
            covered.append(fence.span())
            yield candidate
    yield from _in_prose(text, covered)


def _whole(text: str) -> JsonCandidate | None:
    """A text that is nothing but data: one value, or several one after the other."""
    bare = text.removesuffix("```").rstrip() if text.endswith("```") else text
    if re.match(r'[\[{\s]*""\w', bare):
        halved = _tolerant(bare.replace('""', '"').replace("''", "'"), 0, "whole", to_end=True)
        return halved and replace(halved, repairs=("doubled quotes halved", *halved.repairs))
    return _tolerant(bare, 0, "whole", to_end=True) or _sequence(bare)


def _sequence(text: str) -> JsonCandidate | None:
    """Objects and lists one after the other as a list, but not lists alone, of which the last stands for all."""
    values: list[JsonCandidate] = []
    at = 0
    while at < len(text):
        balanced = _balanced(text, at)
        candidate = balanced[0] if balanced else _tolerant(text, at, "whole")
        if candidate is None or not isinstance(candidate.value, dict | list):
            return None
        end = balanced[1] if balanced else candidate.position
        values += [candidate] if candidate.value else []
        gap = re.compile(r"\s*,?\s*").match(text, end)
        at = gap.end() if gap else end
    if len(values) < 2 or all(isinstance(value.value, list) for value in values):
        return replace(values[0], repairs=(*values[0].repairs, "empty value dropped")) if len(values) == 1 else None
    repairs = dict.fromkeys(["values read as a list", *(repair for value in values for repair in value.repairs)])
    return JsonCandidate([value.value for value in values], "whole", tuple(repairs), values[-1].truncated)


def _in_fence(fence: re.Match[str]) -> JsonCandidate | None:
    language, content = fence[2].lower(), fence[3].strip()
    if language not in _DATA_LANGUAGES:
        return None
    content = re.sub(r"\A(?:const|let|var)?\s*[\w.]+\s*=\s*(?=[{\[])", "", content).removesuffix(";")
    if content[:1] not in ("{", "[") and language not in _JSON_LANGUAGES:
        return None
    candidate = _strict(content) or _lines(content) or _tolerant(content, 0, "fence", to_end=True)
    if candidate is None:
        return None
    if language not in _JSON_LANGUAGES and _is_citation(candidate.value):
        return None
    return JsonCandidate(candidate.value, "fence", candidate.repairs, candidate.truncated, position=fence.start())


def _lines(text: str) -> JsonCandidate | None:
    """JSON Lines as a list: two or more lines, each a valid object or list."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all(line.lstrip()[:1] in ("{", "[") for line in lines):
        return None
    values = [_strict(line.strip().rstrip(",")) for line in lines]
    if not all(values):
        return None
    return JsonCandidate([value.value for value in values if value], "lines", ("lines read as a list",))


def _in_prose(text: str, covered: list[tuple[int, int]]) -> Iterator[JsonCandidate]:
    at, tries = 0, 0
    while tries < _MOST_TRIES and (match := re.compile(r"[{\[]").search(text, at)):
        at = match.start()
        inside = next((end for start, end in covered if start <= at < end), None)
        if inside is not None:
            at = inside
            continue
        tries += 1
        candidate = _balanced(text, at) or _tolerant(text, at, "prose")
        if candidate is None or _is_citation(candidate[0].value if isinstance(candidate, tuple) else candidate.value):
            at = _after_broken(text, at) if candidate is None else at + 1
            continue
        read, end = candidate if isinstance(candidate, tuple) else (candidate, candidate.position)
        if _is_piece(text, at, end):
            at = _after_broken(text, at)
            continue
        yield JsonCandidate(read.value, "prose", read.repairs, read.truncated, position=at)
        at = max(end, at + 1)


def _is_piece(text: str, start: int, end: int) -> bool:
    """Whether the text goes on as data behind a value, which then is only what could be read of it."""
    quoted = text[start - 1 : start] in ("'", '"', "`") and text[end : end + 1] == text[start - 1]
    return not quoted and bool(re.compile(r"""\s*(?:,\s*"[^"\n]{0,200}"\s*[:"]|["':])""").match(text, end))


def _after_broken(text: str, at: int) -> int:
    """Where to search on: behind data that cannot be read, whose pieces must not be taken for the whole."""
    if not _LIKE_DATA.match(text, at):
        return at + 1
    depth = 0
    for bracket in _BRACKET.finditer(text, at):
        depth += 1 if bracket[0] in "{[" else -1
        if depth <= 0 and bracket[0] in "}]" and not _GOES_ON.match(text, bracket.end()):
            return bracket.end()
    return len(text)


def _balanced(text: str, at: int) -> tuple[JsonCandidate, int] | None:
    repairs: list[str] = []
    decoder = json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_members(repairs))
    try:
        value, end = decoder.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    return JsonCandidate(value, "prose", tuple(repairs)), end


def _refuse(word: str) -> Json:
    raise ValueError(word)


def _tolerant(text: str, at: int, source: JsonSource, *, to_end: bool = False) -> JsonCandidate | None:
    """The value at `at`, mended; its `position` is where it ends."""
    reader = LenientReader(text, at)
    try:
        value = reader.read()
    except (Unreadable, RecursionError):
        return None
    if not isinstance(value, dict | list) or (reader.truncated and not value):
        return None
    rest = text[reader.at :].strip(" \t\r\n;`,")
    if to_end and rest:
        if rest.strip("}]"):
            return None
        reader.mend("surplus bracket dropped")
    return JsonCandidate(value, source, tuple(reader.repairs), reader.truncated, position=reader.at)


def _is_citation(value: Json) -> bool:
    """Whether a list looks like a mark in prose: [1], [2, 3], [x], [note]."""
    if isinstance(value, dict):
        return not value
    return isinstance(value, list) and all(not isinstance(item, dict | list) for item in value) and len(value) < 3


def _fitted(candidate: JsonCandidate, schema: Mapping[str, Any]) -> Iterator[JsonCandidate]:
    """The candidate with its fit, and its members that fit better than it does."""
    score = fit(candidate.value, schema)
    yield _with(candidate, candidate.value, score, ())
    members = candidate.value.values() if isinstance(candidate.value, dict) else ()
    for member in members:
        if isinstance(member, dict | list) and (inner := fit(member, schema)) > score:
            yield _with(candidate, member, inner, ("taken out of what was around it",))


def _with(candidate: JsonCandidate, value: Json, score: float, repairs: tuple[str, ...]) -> JsonCandidate:
    return JsonCandidate(
        value, candidate.source, (*candidate.repairs, *repairs), candidate.truncated, score, candidate.position
    )


_SOURCES: dict[str, int] = {"whole": 2, "lines": 2, "fence": 2, "prose": 1}


def _rank(candidate: JsonCandidate) -> tuple[float, int, int, int, int]:
    """Schema first, then fences before prose, whole before cut, more before less, later before earlier."""
    return (
        round(candidate.fit, 3),
        _SOURCES[candidate.source],
        -int(candidate.truncated),
        _leaves(candidate.value),
        candidate.position,
    )


def _leaves(value: Json) -> int:
    if isinstance(value, dict):
        return 1 + sum(_leaves(item) for item in value.values())
    if isinstance(value, list):
        return 1 + sum(_leaves(item) for item in value)
    return 1


def _ambiguous(ranked: list[JsonCandidate]) -> bool:
    """Whether the second differs from the first in value only, not in fit, source or kind."""
    if len(ranked) < 2:
        return False
    first, second = ranked[:2]
    return (
        abs(first.fit - second.fit) < 0.001
        and _SOURCES[first.source] == _SOURCES[second.source]
        and type(first.value) is type(second.value)
        and canonical(first.value) != canonical(second.value)
    )


def _unique(candidates: Iterator[JsonCandidate]) -> list[JsonCandidate]:
    """The candidates, of equal values the first."""
    by_value: dict[str, JsonCandidate] = {}
    for candidate in candidates:
        by_value.setdefault(canonical(candidate.value), candidate)
    return list(by_value.values())
