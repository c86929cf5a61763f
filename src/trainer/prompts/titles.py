"""A context as it enters a prompt: with a title, and its headings below it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from trainer.prompts import markdown

TOP = 2
"""The level of a context's title in a prompt."""


@dataclass(frozen=True, slots=True)
class ContextText:
    """What of a context is written into a prompt."""

    title: str
    text: str
    """With its title as a heading of level 2, and all other headings below."""


TextOf: TypeAlias = Callable[[str, str, str], ContextText]
"""What `context_text` does; who has done it before may know the answer."""


def context_text(body: str, title: str, name: str) -> ContextText:
    """The text of a file without its front matter, which may give its `title`; `name` is what it is called else.

    Nothing but the three decides.
    """
    heading = markdown.first_heading(body)
    title = title or heading or name
    text = body.strip("\n")
    if heading is None:
        text = f"{'#' * TOP} {title}\n\n{markdown.shift_headings(text, top=TOP + 1)}"
    else:
        text = markdown.shift_headings(text, top=TOP)
    return ContextText(title, text.rstrip() + "\n")
