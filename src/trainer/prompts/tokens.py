"""Token counts without network: OpenAI's byte-pair encodings, exactly; other models' by the newest of them.

The vocabularies are packed beside this file (`scripts/vocabularies.py`) and read when first needed.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal

from trainer.core.values import Message, Prompt

Encoding = Literal["o200k_base", "cl100k_base"]

_PER_MESSAGE = 3
"""Tokens OpenAI adds to each message of a chat, apart from its role."""
_PER_REPLY = 3
"""Tokens with which OpenAI opens the answer."""

# Each letter that is not ASCII is replaced by one of the same kind, so that plain classes say what Unicode's would.
_OTHER_LETTER, _MARK = "\x01", "\x02"
_SHADOWS = {"Lu": "A", "Lt": "A", "Ll": "a", "Lm": _OTHER_LETTER, "Lo": _OTHER_LETTER, "M": _MARK, "N": "0"}
_CONTRACTION = r"(?:'(?i:s|t|re|ve|m|ll|d))?"
_PATTERNS: dict[Encoding, re.Pattern[str]] = {
    "o200k_base": re.compile(
        r"[^\r\nA-Za-z0-9\x01]?[A-Z\x01\x02]*[a-z\x01\x02]+" + _CONTRACTION + r"|[^\r\nA-Za-z0-9\x01]?[A-Z\x01\x02]+"
        r"[a-z\x01\x02]*" + _CONTRACTION + r"|[0-9]{1,3}| ?[^\sA-Za-z0-9\x01]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
    "cl100k_base": re.compile(
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\nA-Za-z0-9\x01]?[A-Za-z\x01]+|[0-9]{1,3}"
        r"| ?[^\sA-Za-z0-9\x01]+[\r\n]*|\s+\Z|\s*[\r\n]|\s+(?!\S)|\s"
    ),
}
_OLDER = re.compile(r"(?:^|/|^ft:|/ft:)(?:gpt-4(?!o|\.|-o)|gpt-3\.?5|text-embedding|davinci-002|babbage-002)")
_OPENAI = re.compile(r"(?:^|/|^ft:|/ft:)(?:chatgpt|gpt(?!-?2\b)|o\d|text-embedding|davinci-002|babbage-002)")


def count_tokens(text: str, model: str = "") -> int:
    """How many tokens `text` has for `model`: exact for OpenAI's models, an approximation for others.

    >>> count_tokens("Net income rose to 4.3 billion.")
    10
    """
    encoding = encoding_of(model)
    ranks = _ranks(encoding)
    pieces = Counter(_pieces(text, encoding))
    return sum(times * _length(piece.encode("utf-8", "replace"), ranks) for piece, times in pieces.items())


def count_messages(messages: Iterable[Message], model: str = "") -> int:
    """How many tokens a chat of these messages is billed as, the marks around each message included."""
    return _PER_REPLY + sum(
        _PER_MESSAGE + count_tokens(message.role, model) + count_tokens(message.content, model) for message in messages
    )


def count_sections(prompt: Prompt, model: str = "") -> list[tuple[str, str, int]]:
    """Kind, name and tokens of each section of a prompt, in order."""
    return [(section.kind, section.name, count_tokens(section.text, model)) for section in prompt.sections]


def is_exact(model: str) -> bool:
    """Whether the counts for `model` are its provider's own."""
    return bool(_OPENAI.search(model))


def encoding_of(model: str) -> Encoding:
    """The encoding a model counts by; the newest for models whose own is not published."""
    return "cl100k_base" if _OLDER.search(model) else "o200k_base"


_CONTROLS = re.compile(r"[\x00-\x08\v\f\x0e-\x1f\x7f]")


def _pieces(text: str, encoding: Encoding) -> Iterable[str]:
    if text.isascii() and not _CONTROLS.search(text):  # it is its own shadow
        return _PATTERNS[encoding].findall(text)
    shadow = text.translate(_SHADOW)
    return (text[match.start() : match.end()] for match in _PATTERNS[encoding].finditer(shadow))


class _Shadow(dict[int, str]):
    """Maps a letter to one of the same kind; learns each when it is first met."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        kind = unicodedata.category(letter)
        is_space = kind in ("Zs", "Zl", "Zp") or letter in "\t\n\v\f\r\x85"
        if code < 128 and kind != "Cc":
            shadow = letter
        elif is_space:
            shadow = letter if letter in "\r\n" else "\t"
        else:
            shadow = _SHADOWS.get(kind) or _SHADOWS.get(kind[0]) or "!"
        self[code] = shadow
        return shadow


_SHADOW = _Shadow()


@cache
def _ranks(encoding: Encoding) -> dict[bytes, int]:
    packed = zlib.decompress(files(__package__).joinpath("vocabularies", f"{encoding}.zlib").read_bytes())
    size = _size(packed)
    ranks, start = {}, size
    for rank in range(size):
        end = start + packed[rank]
        ranks[packed[start:end]] = rank
        start = end
    return ranks


def _size(packed: bytes) -> int:
    """How many tokens: as many length bytes as make the rest come out even."""
    low, total = 0, len(packed)
    lengths = 0
    while low + lengths < total:
        lengths += packed[low]
        low += 1
    return low


def _length(piece: bytes, ranks: dict[bytes, int]) -> int:
    """How many tokens byte-pair encoding makes of a piece: the pair of lowest rank is joined until none is left."""
    if piece in ranks or len(piece) < 2:
        return 1
    size = len(piece)
    after = list(range(1, size + 1))
    before = list(range(-1, size - 1))
    ends = after.copy()
    heap = [(rank, at, at + 2) for at in range(size - 1) if (rank := ranks.get(piece[at : at + 2])) is not None]
    heapq.heapify(heap)
    count = size
    while heap:
        _, at, end = heapq.heappop(heap)
        right = after[at]
        if ends[at] < 0 or right >= size or ends[right] != end:
            continue
        count -= 1
        ends[at], ends[right] = end, -1
        after[at] = after[right]
        if after[at] < size:
            before[after[at]] = at
            _push(heap, piece, ranks, at, ends[after[at]])
        if before[at] >= 0:
            _push(heap, piece, ranks, before[at], end)
    return count


def _push(heap: list[tuple[int, int, int]], piece: bytes, ranks: dict[bytes, int], start: int, end: int) -> None:
    rank = ranks.get(piece[start:end])
    if rank is not None:
        heapq.heappush(heap, (rank, start, end))
