"""The pivot of all documents: front matter and a token tree, with the line of every block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

from trainer.core.errors import Where
from trainer.core.frontmatter import split_front_matter
from trainer.core.values import Finding, Json

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

T = TypeVar("T", str, bytes)


@dataclass(frozen=True, slots=True)
class Converted(Generic[T]):
    """What a writer made, and what it noticed."""

    content: T
    findings: tuple[Finding, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document."""

    meta: Mapping[str, Json]
    """The front matter."""
    tokens: tuple[Token, ...]
    """Block tokens in reading order; those of type `inline` hold children."""
    source: str = ""
    """The Markdown it was read from."""
    shown: str = "document.md"
    """The file's name in findings."""
    first_line: int = 1
    """The line of the file on which the body starts."""
    findings: tuple[Finding, ...] = field(default=())

    @property
    def tree(self) -> SyntaxTreeNode:
        """The same tokens as a tree."""
        from markdown_it.tree import SyntaxTreeNode

        return SyntaxTreeNode(list(self.tokens))

    def where(self, token: Token) -> Where:
        """The line on which a block starts."""
        return Where(self.shown, token.map[0] + self.first_line if token.map else None)


def parse_markdown(text: str, *, shown: str = "document.md") -> Document:
    """The document in `text`: CommonMark, GFM, footnotes, definition lists, alerts and math; raw HTML stays text."""
    parts = split_front_matter(text, shown=shown)
    slip = parts.slip
    findings = [Finding("front_matter", "warning", slip.message, slip.where, hint=slip.hint or "")] if slip else []
    return Document(parts.meta, tuple(parse(parts.body)), text, shown, parts.body_line, tuple(findings))


_FEATURES = {
    "www": re.compile(r"www\."),
    "links": re.compile(r"www\.|:(?://|\S*@)|@"),
    "footnotes": re.compile(r"\[\^"),
    "definitions": re.compile(r"^[ \t>]*[:~][ \t]", re.MULTILINE),
    "math": re.compile(r"\$\$|[^ \t\n]\$(?!\d)"),
}
"""What a text must hold for a rule to have anything to do; without it the rule is left out, which saves a fifth."""


def parse(body: str) -> list[Token]:
    """The tokens of a body without front matter."""
    needed = frozenset(name for name, pattern in _FEATURES.items() if pattern.search(body))
    return markdown_parser(needed).parse(body)


@lru_cache(maxsize=32)
def markdown_parser(features: frozenset[str] = frozenset(_FEATURES)) -> MarkdownIt:
    """The one configuration every document is read with, or the part of it that `features` names."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    from trainer.convert.autolinks import autolinks
    from trainer.convert.eastasian import EastAsianInline
    from trainer.convert.inlines import quick_inlines

    parser = MarkdownIt("zero")
    parser.inline = EastAsianInline()
    parser.configure("commonmark", {"html": True, "tasklists": True, "alerts": True})
    parser.enable(["table", "strikethrough"])
    parser.options["strikethrough_single_tilde"] = True
    if "footnotes" in features:
        parser.use(footnote_plugin, inline=False)
    if "definitions" in features:
        parser.use(deflist_plugin)
    if "math" in features:
        parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
    if "links" in features:
        parser.use(autolinks, www="www" in features)
    quick_inlines(parser, links="links" in features, math="math" in features)
    return parser


def plain(tokens: list[Token] | None) -> str:
    """The words of inline tokens, without their marks."""
    return "".join(_words(tokens or []))


def _words(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in ("text", "code_inline", "math_inline", "math_inline_double"):
            yield token.content
        elif token.type in ("softbreak", "hardbreak"):
            yield " "
        elif token.type == "image":
            yield plain(token.children)
