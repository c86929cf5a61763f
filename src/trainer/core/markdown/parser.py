"""The one configuration of markdown-it that every document is read with.

CommonMark, GFM's tables, strikethrough, task lists, alerts and bare links, footnotes, definition lists and formulas.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.parser_block import ParserBlock
from markdown_it.parser_core import ParserCore
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore, text_join
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from trainer.core.errors import ConversionError, Where
from trainer.core.markdown.eastasian import east_asian_state
from trainer.core.markdown.money import keep_signs
from trainer.core.markdown.notes import keep_unused_notes
from trainer.core.markdown.tags import SHIFTED, is_break, pair_tags, shifted

DEEPEST = 100
"""Levels of quotes, lists and their items, a list of lists counting two each; markdown-it recurses three calls a level,
and writers about as many, within Python's thousand."""
_DEEPEST_INLINE = 20
"""Levels of links and pictures within one another; below, brackets stay text. markdown-it's own limit."""

_FEATURES = {
    "www": re.compile(r"www\."),
    "links": re.compile(r"www\.|://|@"),
    "footnotes": re.compile(r"\[\^"),
    "definitions": re.compile(r"^[ \t>]*[:~][ \t]", re.MULTILINE),
    "math": re.compile(r"\$\$|[^ \t\n]\$(?!\d)"),
}
"""What a text must hold for a rule to have anything to do; without it the rule is left out, which saves a fifth."""

_MARKS = r"[\n\\`~*_\[<&]"
_LINKS = r"@|://|www\."
_MATH = r"\$"


def parse_tokens(body: str, *, shown: str = "document.md", first_line: int = 1) -> list[Token]:
    """The tokens of a text without front matter; those of type `inline` hold children.

    `first_line` is where the text starts in the file `shown`. Raises ConversionError with the line where the text is
    nested more than `DEEPEST` levels deep: markdown-it would drop the rest without a word.
    """
    return _located(markdown_parser(features_of(body)), body, {}, shown, first_line)


def parse_blocks(body: str, env: EnvType, *, shown: str, first_line: int) -> list[Token]:
    """As `parse_tokens`, but inline text is left unread; `env` is filled with what links and notes refer to."""
    return _located(_block_parser(features_of(body)), body, env, shown, first_line)


def features_of(body: str) -> frozenset[str]:
    """The rules that have something to do in a text."""
    return frozenset(name for name, pattern in _FEATURES.items() if pattern.search(body))


@lru_cache(maxsize=32)
def markdown_parser(features: frozenset[str] = frozenset(_FEATURES)) -> MarkdownIt:
    """The parser, or the part of it that `features` names."""
    parser = MarkdownIt("zero")
    parser.block = _Blocks()
    parser.inline = _Inlines()
    parser.configure("commonmark", {"html": True, "tasklists": True, "alerts": True, "maxNesting": DEEPEST + 1})
    parser.enable(["table", "strikethrough"])
    parser.options["strikethrough_single_tilde"] = True
    if "footnotes" in features:
        from mdit_py_plugins.footnote import footnote_plugin

        parser.use(footnote_plugin, inline=False)
        keep_unused_notes(parser)
    if "definitions" in features:
        from mdit_py_plugins.deflist import deflist_plugin

        parser.use(deflist_plugin)
    if "math" in features:
        from mdit_py_plugins.dollarmath import dollarmath_plugin

        parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
    if "links" in features:
        from trainer.core.markdown.autolinks import autolinks

        parser.use(autolinks, www="www" in features)
    keep_signs(parser)
    marks = [_MARKS, *([_LINKS] if "links" in features else []), *([_MATH] if "math" in features else [])]
    parser.core.ruler.at("inline", partial(_inline, re.compile("|".join(marks)), shallow_copy(parser)))
    parser.core.ruler.at("text_join", _join)
    return parser


@lru_cache(maxsize=32)
def _block_parser(features: frozenset[str]) -> MarkdownIt:
    parser = copy.copy(markdown_parser(features))
    parser.core = ParserCore()
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def shallow_copy(parser: MarkdownIt) -> MarkdownIt:
    """The parser as inline text is read with: the same rules, markdown-it's own limit of nesting."""
    shallow = copy.copy(parser)
    options: Any = {**parser.options, "maxNesting": _DEEPEST_INLINE}
    shallow.options = OptionsDict(options)
    return shallow


def plain_text(tokens: Sequence[Token] | None) -> str:
    """The words of inline tokens, without their marks."""
    return "".join(_words(tokens or ()))


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    shift = None
    for token in tokens:
        if token.type in SHIFTED:
            shift = SHIFTED[token.type]
        elif token.type in ("sub_close", "sup_close"):
            shift = None
        elif token.type in ("text", "code_inline", "math_inline", "math_inline_double"):
            yield shifted(token.content, shift) if shift else token.content
        elif token.type in ("softbreak", "hardbreak") or is_break(token):
            yield " "
        elif token.type == "image":
            yield plain_text(token.children)


class _TooDeep(Exception):
    def __init__(self, line: int) -> None:
        self.line = line


def _located(parser: MarkdownIt, body: str, env: EnvType, shown: str, first_line: int) -> list[Token]:
    try:
        return parser.parse(body, env)
    except _TooDeep as error:
        raise ConversionError(
            f"quotes and lists are nested more than {DEEPEST} levels deep",
            where=Where(shown, error.line + first_line),
            hint="take some of them apart",
        ) from None


class _Blocks(ParserBlock):
    """markdown-it's block parser, which tells where it would drop the rest of a text."""

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:  # noqa: N803  (markdown-it's names)
        if state.level >= DEEPEST:
            raise _TooDeep(startLine)
        super().tokenize(state, startLine, endLine)


class _Inlines(ParserInline):
    """markdown-it's inline parser, with the rule for East Asian letters and a bound on pictures in pictures."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        """The inline tokens of `src`, added to `tokens`."""
        depth = env.get("pictures", 0)
        if depth >= _DEEPEST_INLINE:
            tokens.append(Token("text", "", 0, content=src))
            return tokens
        state = east_asian_state(src, md, env, tokens) or StateInline(src, md, env, tokens)
        env["pictures"] = depth + 1  # a picture's description is read by this very method
        try:
            self.tokenize(state)
        finally:
            env["pictures"] = depth
        for rule in self.ruler2.getRules(""):
            rule(state)
        if "</" in src:
            pair_tags(state.tokens)
        if sum(token.nesting > 0 for token in state.tokens) > DEEPEST:
            _flatten(state.tokens)
        return state.tokens


def _flatten(tokens: list[Token]) -> None:
    """Take emphasis within more than `DEEPEST` emphases for the marks it is written with: `*` times ten thousand.

    markdown-it itself bounds brackets alone, and readers of its tokens recurse, or copy them, level by level.
    """
    states: list[bool] = []
    for at, token in enumerate(tokens):
        if token.nesting > 0:
            states.append(sum(states) < DEEPEST if len(states) <= DEEPEST else token.type == "link_open")
        is_kept = states.pop() if token.nesting < 0 else states[-1] if token.nesting > 0 else True
        if not is_kept:
            tokens[at] = Token("text", "", 0, content=token.markup)


def _inline(marked: re.Pattern[str], parser: MarkdownIt, state: StateCore) -> None:
    """Take words without any mark for the text they are: no rule has anything to do in most cells of a table."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        content = token.content
        if marked.search(content):
            token.children = token.children or []
            parser.inline.parse(content, parser, state.env, token.children)
        else:
            token.children = [Token("text", "", 0, content=content)] if content else []


def _join(state: StateCore) -> None:
    """Join the pieces of text, where there can be any."""
    pieces = [
        token
        for token in state.tokens
        if token.children and not (len(token.children) == 1 and token.children[0].type == "text")
    ]
    text_join(StateCore("", state.md, state.env, pieces))
