"""What words name measures: the words of texts and of data brought to one spelling, names that mean the same to one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import resources

from trainer.checks.lexicon import CJK, languages
from trainer.core.yamltext import load_yaml
from trainer.facts.words import fold

DOMAINS = ("finance.yaml", "general.yaml")
"""The files of names, the first wins where two have one."""

_TOKEN = re.compile(
    rf"(?P<number>(?<!\d)\d+|fifty[- ]?two|two[- ]?hundred|fifty)[\s-]*(?P<window>day|week|month|w|tage|wochen|jours|semaines)(?![^\W\d_])[a-z]*"  # noqa: E501
    rf"|(?P<word>[^\W\d_{CJK}](?:[^\W_{CJK}]|\.(?=\d))*)|(?P<script>[{CJK}]+)"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+|(?<=[a-z])(?=\d+[A-Z])")
_NUMBERS = {"fiftytwo": "52", "twohundred": "200", "fifty": "50"}
_WINDOWS = {"w": "week", "tage": "day", "jours": "day", "wochen": "week", "semaines": "week"}


@cache
def _phrases() -> tuple[dict[tuple[str, ...], tuple[str, ...]], int]:
    phrases: dict[tuple[str, ...], tuple[str, ...]] = {}
    for file in DOMAINS:
        text = resources.files("trainer.checks").joinpath("words", file).read_text("utf-8")
        for concept, names in load_yaml(text, shown=file).value.items():
            tokens = tuple(str(concept).split())
            for name in names:
                key = tuple(token for token, _, _ in _tokens(_spread(str(name))))
                phrases.setdefault(key, tokens)
    return phrases, max(map(len, phrases))


@cache
def _script_names() -> tuple[str, ...]:
    """Names in scripts without spaces, the longest first."""
    names = [key[0] for key in _phrases()[0] if len(key) == 1 and re.match(rf"[{CJK}]", key[0])]
    return tuple(sorted(names, key=lambda name: (-len(name), name)))


@cache
def stop_words() -> frozenset[str]:
    """Words that name nothing, of all languages."""
    return frozenset(fold(word) for words in languages().values() for word in words["stop"].split())


@lru_cache(maxsize=16_384)
def concepts(text: str) -> tuple[tuple[str, int, int], ...]:
    """The telling words of a text, those of one meaning as one word, each with the start and end of where it stands."""
    return tuple(_concepts(text))


@lru_cache(maxsize=16_384)
def concept_words(name: str) -> frozenset[str]:
    """The telling words of a key, head or title."""
    return frozenset(token for token, _, _ in _concepts(_spread(name)))


def _spread(name: str) -> str:
    return _CAMEL.sub(" ", name)


def _concepts(text: str) -> Iterator[tuple[str, int, int]]:
    tokens = list(_tokens(text))
    phrases, longest = _phrases()
    at = 0
    while at < len(tokens):
        for length in range(min(longest, len(tokens) - at), 0, -1):
            names = phrases.get(tuple(token for token, _, _ in tokens[at : at + length]))
            if names is not None and not _is_cut(text, tokens, at, length):
                for token in names:
                    yield token, tokens[at][1], tokens[at + length - 1][2]
                at += length
                break
        else:
            if tokens[at][0] not in stop_words():
                yield tokens[at]
            at += 1


def _is_cut(text: str, tokens: list[tuple[str, int, int]], at: int, length: int) -> bool:
    """Whether a stop, comma, bracket or figure stands between the tokens, so that they are no one name."""
    return any(
        re.search(r"[.;:()\d|]" if length > 2 else r"[.,;:()\d|]", text[tokens[index][2] : tokens[index + 1][1]])
        for index in range(at, at + length - 1)
    )


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    for match in _TOKEN.finditer(text.lower() if len(text.lower()) == len(text) else text):
        if match["number"]:
            number = re.sub(r"[ -]", "", match["number"])
            yield _NUMBERS.get(number, number), *match.span("number")
            yield _WINDOWS.get(match["window"], match["window"]), *match.span("window")
        elif match["word"]:
            yield fold(match["word"]), *match.span()
        else:
            yield from _script(match[0], match.start())


def _script(run: str, start: int) -> Iterator[tuple[str, int, int]]:
    """A run of letters without spaces, cut at the names that are known; the rest in pieces of two."""
    at = 0
    names = _script_names() if _phrases.cache_info().currsize else ()
    if not names:
        yield run, start, start + len(run)
        return
    rest = 0
    while at < len(run):
        name = next((name for name in names if run.startswith(name, at)), None)
        if name is None:
            at += 1
            continue
        if at - rest >= 2:
            yield run[rest:at], start + rest, start + at
        yield name, start + at, start + at + len(name)
        at += len(name)
        rest = at
    if at - rest >= 2:
        yield run[rest:at], start + rest, start + at
