"""A prompt that is only text: JSON in it is data, its paragraphs are what can be quoted."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from trainer.core.digest import digest, digest_bytes
from trainer.core.values import Context, DataBlock, Json, Output, Prompt
from trainer.providers.draft.outline import headings

_FENCE = re.compile(r"^ {0,3}(```+|~~~+)[^\n]*\n(.*?)^ {0,3}\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def prompt_of(text: str) -> Prompt:
    """The prompt that a text is: its fenced JSON as data, its other paragraphs after the first as a context."""
    blocks = [
        block for number, found in enumerate(_FENCE.finditer(text), 1) if (block := _block(found.group(2), number))
    ]
    body = _FENCE.sub("", text)
    head, _, rest = body.strip().partition("\n\n")
    contexts = (
        (Context("-", "the prompt", rest, digest_bytes(rest.encode("utf-8", "surrogatepass"))),) if rest.strip() else ()
    )
    sections = tuple(headings(body, level=2))
    return Prompt(
        instruction="-",
        title=" ".join(head.split())[:80],
        text=text,
        body=body,
        contexts=contexts,
        data=tuple(blocks),
        output=Output(sections=sections),
    )


def _block(text: str, number: int) -> DataBlock | None:
    try:
        data: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict | list):
        return None
    name = f"data {number}"
    return DataBlock(name, f"prompt:{number}", 1, "the prompt", _EPOCH, data, digest(data))
