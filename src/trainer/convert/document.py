"""The pivot of all documents: front matter and a token tree, with the line of every block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

from trainer.convert.frontmatter import split_front_matter
from trainer.core.errors import Where
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
    meta, body, first_line = split_front_matter(text, shown=shown)
    tokens = markdown_parser().parse(body)
    return Document(meta, tuple(tokens), text, shown, first_line)


@lru_cache(maxsize=1)
def markdown_parser() -> MarkdownIt:
    """The one configuration every document is read with."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    from trainer.convert.autolinks import autolinks

    parser = MarkdownIt("commonmark", {"html": True, "tasklists": True, "alerts": True})
    parser.enable(["table", "strikethrough"])
    parser.options["strikethrough_single_tilde"] = True
    parser.use(footnote_plugin, inline=False).use(deflist_plugin)
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
    parser.use(autolinks)
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
