"""Where code, links and the like stand in inline text: markdown-it's rules, each told where it began and ended."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType

from trainer.core.markdown.parser import features_of, markdown_parser, plain_text, shallow_copy

SpanKind = Literal["code", "link", "image", "html", "math", "note"]

_KINDS: dict[str, SpanKind] = {
    "code_inline": "code",
    "link_open": "link",
    "image": "image",
    "html_inline": "html",
    "math_inline": "math",
    "math_inline_double": "math",
    "footnote_ref": "note",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of inline text that is more than words."""

    kind: SpanKind
    start: int
    """Its offset in the document's text."""
    end: int
    text: str
    """Its words: the label of a link, the description of a picture, what code holds, the name of a note."""
    target: str = ""
    """The address of a link or picture."""


def spans_of(content: str, offsets: Sequence[tuple[int, int]], env: EnvType) -> Iterator[Span]:
    """The spans of inline `content`; `offsets` say where its pieces stand in the document, in order."""
    tokens = inline_tokens(content, env)
    starts = [within for within, _ in offsets]

    def offset(at: int) -> int:
        within, outside = offsets[max(0, bisect_right(starts, at) - 1)]
        return outside + at - within

    for at, token in enumerate(tokens):
        kind = "html" if token.markup.startswith("<") else _KINDS.get(token.type)
        if kind is None or "span" not in token.meta:
            continue
        start, end = token.meta["span"]
        text = token.markup if kind == "html" and not token.content else token.content
        if kind == "link":
            close = next(index for index in range(at, len(tokens)) if tokens[index].type == "link_close")
            text = plain_text(tokens[at + 1 : close])
        elif kind == "image":
            text = plain_text(token.children)
        elif kind == "note":
            text = str(token.meta.get("label", ""))
        yield Span(
            kind, offset(start), offset(end - 1) + 1, text, str(token.attrs.get("href", token.attrs.get("src", "")))
        )


def inline_tokens(content: str, env: EnvType) -> list[Token]:
    """The inline tokens of a piece of text, each that is more than words with its `span` in `meta`."""
    parser = _tracking_parser(features_of(content) | ({"footnotes"} if "[^" in content else set()))
    return parser.inline.parse(content, parser, env, [])


@lru_cache(maxsize=32)
def _tracking_parser(features: frozenset[str]) -> MarkdownIt:
    parser = markdown_parser.__wrapped__(features)
    for rule in parser.inline.ruler.__rules__:
        rule.fn = _tracked(rule.fn)
    parser.inline.ruler.__cache__ = None
    return shallow_copy(parser)


def _tracked(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    def run(state: StateInline, silent: bool) -> bool:
        start, count = state.pos, len(state.tokens)
        if not rule(state, silent):
            return False
        for token in state.tokens[count:]:
            if token.type in _KINDS:  # what stands within has been told already, by its own rule
                token.meta.setdefault("span", (start, state.pos))
        return True

    return run
