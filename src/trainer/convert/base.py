"""The seam of readers and writers: two pivots, a document and a dataset, so that formats add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from trainer.convert.document import Converted, Document
from trainer.convert.pdf import PdfPool
from trainer.convert.themes import Theme
from trainer.core.readings import Dataset, ReadOptions
from trainer.core.values import Finding, Json

MACHINE_FINDINGS = frozenset(("installed_font", "missing_glyph"))
"""Kinds of findings that depend on the fonts of a machine: told, but nothing that is committed holds them."""


PRINT_FINDINGS = frozenset(("broken_link", "clipped", "missing_image"))
"""Kinds of findings that only printing tells, so that a page that is not printed again keeps them."""


@dataclass(frozen=True, slots=True)
class Former:
    """What was written of a document before."""

    made_from: str
    """See `Converted.made_from`."""
    content: bytes
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What a conversion was asked for besides its formats."""

    theme: Theme | None = None
    fragment: bool = False
    """Write only the body's HTML."""
    schema: Mapping[str, Any] | None = None
    """Titles, order and units of data; the choice among several JSON values in a text."""
    data: Mapping[str, Json] = field(default_factory=dict)
    """What charts name."""
    meta: Mapping[str, Json] = field(default_factory=dict)
    """In place of the front matter's."""
    assets: Path | None = None
    """The folder that pictures may come from."""
    folder: Path | None = None
    """Inside `assets`, the one that their names are relative to."""
    pool: PdfPool | None = None
    """Who prints PDFs."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """How the input is read."""
    former: Former | None = None
    """Taken in place of a new one by slow writers, where it was made from the same."""


class Writer(Protocol):
    """From a pivot to the text or bytes of a format; a function named `write` in a module of `writers`."""

    def __call__(self, source: Document | Dataset, options: Options) -> Converted[str] | Converted[bytes]:
        """The content in the format, and what was found on the way; the same source gives the same bytes."""
        ...
