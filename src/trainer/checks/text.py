"""A text against facts: the whole way from Markdown to the reading of each claim."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from trainer.checks.claims import Claims, read_claims
from trainer.checks.document import CheckedDocument, read_document
from trainer.checks.evidence import Assessment, ContextFigure, Evidence
from trainer.checks.judge import Judge
from trainer.checks.lexicon import Lexicon, detect_language, languages
from trainer.checks.members import localized
from trainer.checks.numerals import Style, style_of
from trainer.checks.scales import shown_scales
from trainer.checks.view import FactsView
from trainer.core.values import Context, DataBlock
from trainer.facts import read_blocks


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A text and its claims, which no context changes."""

    document: CheckedDocument
    claims: Claims
    view: FactsView
    lexicon: Lexicon
    style: Style


@dataclass(frozen=True, slots=True)
class Checked:
    """A text and the reading of each of its claims."""

    parsed: ParsedText
    readings: tuple[Assessment, ...]
    evidence: Evidence


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Data and contexts that texts are checked against; equal for equal values, so that each is read once.

    Objects whose members stand in another order are other data: what is read of them keeps their order.
    """

    blocks: tuple[DataBlock, ...]
    contexts: tuple[Context, ...] = ()

    def __hash__(self) -> int:
        return hash(tuple((block.name, block.key, block.version, block.digest) for block in self.blocks))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Material) or (self.blocks, self.contexts) != (other.blocks, other.contexts):
            return False
        pairs = zip(self.blocks, other.blocks, strict=True)
        return all(own.data is block.data or repr(own.data) == repr(block.data) for own, block in pairs)


@lru_cache(maxsize=16)
def read_view(material: Material) -> FactsView:
    """What data blocks say, laid out for the checks."""
    return FactsView.of(read_blocks(material.blocks))


@lru_cache(maxsize=16)
def _view_in(material: Material, language: str) -> FactsView:
    return localized(read_view(material), language)


@lru_cache(maxsize=16)
def parse_text(text: str, *, material: Material, language: str | None = None) -> ParsedText:
    """The claims of a Markdown text about data, not yet held against it; contexts play no part."""
    code = (language or "").partition("-")[0].casefold()
    lexicon = Lexicon(code if code in languages() else detect_language(text))
    document = read_document(text)
    view = _view_in(material, lexicon.language)
    style = style_of(text, language or lexicon.language)
    claims = read_claims(document, view=view, lexicon=lexicon, style=style)
    scales = shown_scales(view, claims.claims)
    return ParsedText(document, claims, view.scaled(scales) if scales else view, lexicon, style)


@lru_cache(maxsize=16)
def read_text(text: str, *, material: Material, language: str | None = None) -> Checked:
    """The reading of each claim of a Markdown text."""
    parsed = parse_text(text, material=Material(material.blocks), language=language)
    figures = [
        figure for context in material.contexts for figure in context_figures(context, Material(material.blocks))
    ]
    judge = Judge(parsed.view, figures, parsed.lexicon)
    return Checked(parsed, tuple(judge.judge(parsed.claims.claims)), judge.evidence)


@lru_cache(maxsize=64)  # reports on the same data share contexts
def context_figures(context: Context, material: Material) -> tuple[ContextFigure, ...]:
    """The figures that a context states, beside the data that says whose they may be."""
    document, language, style = _read_context(context.text)
    claims = read_claims(document, view=_view_in(material, language), lexicon=Lexicon(language), style=style)
    return tuple(
        ContextFigure(claim, context.path, frozenset(word for word, weight in claim.words.items() if weight > 0.25))
        for claim in claims.claims
    )


@lru_cache(maxsize=64)  # the reports of a matrix have data of their own and contexts in common
def _read_context(text: str) -> tuple[CheckedDocument, str, Style]:
    """What reading a context gives whatever the data."""
    language = detect_language(text)
    return read_document(text), language, style_of(text, language)
