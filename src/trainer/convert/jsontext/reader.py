"""Reads JSON as models write it, mends what can only mean one thing, and says what it mended.

Mended: comments, trailing, stray and missing commas, other quotes, quotes and line ends inside strings, bad escapes,
bare keys and words, Python's and JavaScript's literals, unusual numbers, a missing bracket, a cut end.
Never guessed: parts left out (`...`), a key given twice with two values, a key without a value, expressions.
"""

from __future__ import annotations

import re
from typing import Literal

from trainer.convert.jsontext.scalars import bare_value, string_value
from trainer.core.values import Json

Place = Literal["top", "key", "member", "item"]

_SPACE = re.compile(r"[\s\u00a0\ufeff\u200b]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|#[^\n]*|<!--.*?-->", re.DOTALL)
_KEY = re.compile(r"[A-Za-z_$][\w$.\-]*|\d+")
_NEXT_MEMBER = re.compile(r"""\s*(?:["'“][^"'“”\n]{0,200}["'”]\s*:|[A-Za-z_$][\w$]*\s*:(?!//)|[}\]]|//|/\*|\Z)""")
_NEXT_ITEM = re.compile(r"""\s*(?:["'“{\[\]}\d.\-+]|true|false|null|None|True|False|NaN|//|/\*|\Z)""")
_MEMBER_AFTER_SPACE = re.compile(r"""["'][^"'\n:]{1,60}["']\s*:\s*["'\[{\d\-tfnTFN]""")
_LINE_ENDS_STRING = re.compile(r"""\s*\n\s*(?:["'][^"'\n]{1,200}["']\s*:|[}\]]\s*(?:[,}\]]|\Z))""")
_CLOSERS = {'"': '"', "'": "'", "“": '”"“', "‘": "’'", "`": "`", "„": '“”"', "”": '”"', "«": "»"}
_DEEPEST = 200


class Unreadable(ValueError):
    """The text cannot be read as JSON without guessing."""


class Reader:
    """One reading of one text, from `at` on."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = at
        self.repairs: list[str] = []
        self.truncated = False
        self._depth = 0

    def read(self, place: Place = "top") -> Json:
        """The value that starts here; raises Unreadable."""
        self._space()
        letter = self.text[self.at : self.at + 1]
        if letter in ("{", "["):
            return self._container(letter)
        if letter in _CLOSERS:
            return self._string(place)
        return self._scalar(place)

    def mend(self, what: str) -> None:
        """Note a repair, once."""
        if what not in self.repairs:
            self.repairs.append(what)

    def _container(self, letter: str) -> Json:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unreadable("nested too deeply")
        self.at += 1
        value: Json = self._object() if letter == "{" else self._array()
        self._depth -= 1
        return value

    def _object(self) -> dict[str, Json]:
        members: dict[str, Json] = {}
        while not self._ends("}"):
            try:
                key = self._key()
            except _Cut:
                break
            if not self._colon(key):
                break
            if self.text[self.at] in ",}":
                raise Unreadable(f'no value for the key "{key}"')
            try:
                value = self.read("member")
            except _Cut:
                break
            if key in members and members[key] != value:
                raise Unreadable(f'the key "{key}" stands twice')
            members[key] = value
            self._separator()
        return members

    def _array(self) -> list[Json]:
        items: list[Json] = []
        while not self._ends("]"):
            if items and re.match(r'"[^"\n]{0,200}"\s*:', self.text[self.at : self.at + 220]):
                self.mend("missing ] added")
                return items
            try:
                items.append(self.read("item"))
            except _Cut:
                break
            self._separator()
        return items

    def _ends(self, closing: str) -> bool:
        """Step over commas; whether the container ends here, by its bracket, another's, or the end of the text."""
        while not self._at_end():
            letter = self.text[self.at]
            if letter == closing:
                self.at += 1
                return True
            if letter in "}]":
                self._foreign_bracket(closing)
                return True
            if letter != ",":
                return False
            self.mend("stray comma dropped")
            self.at += 1
        return True

    def _foreign_bracket(self, closing: str) -> None:
        """A bracket of the other kind: it closes the container around this one, or was meant for this one."""
        self.mend(f"missing {closing} added")
        after = self.text[self.at + 1 :].lstrip()
        if self._depth == 1 or (after[:1] == closing and self._depth == 2):
            self.at += 1

    def _key(self) -> str:
        if self.text[self.at] in _CLOSERS:
            return self._string("key")
        if self.text.startswith(("...", "…"), self.at):
            raise Unreadable("parts were left out (...)")
        match = _KEY.match(self.text, self.at)
        if match is None:
            raise Unreadable(f"no key at {self.text[self.at : self.at + 20]!r}")
        self.mend("bare key quoted")
        self.at = match.end()
        return match[0]

    def _colon(self, key: str) -> bool:
        """Step over the colon; False where the text ends before a value."""
        if self._at_end():
            return False
        mark = re.compile(r":|=>|=").match(self.text, self.at)
        if mark is None:
            raise Unreadable(f'no ":" after the key "{key}"')
        if mark[0] != ":":
            self.mend(f"{mark[0]} taken for :")
        self.at = mark.end()
        return not self._at_end()

    def _separator(self) -> None:
        if self._at_end():
            return
        letter = self.text[self.at]
        if letter in ",;":
            if letter == ";":
                self.mend("; taken for a comma")
            self.at += 1
            self._space()
            if self.text[self.at : self.at + 1] in ("}", "]"):
                self.mend("trailing comma dropped")
        elif letter not in "}]":
            if not _NEXT_MEMBER.match(self.text, self.at) and not _NEXT_ITEM.match(self.text, self.at):
                raise Unreadable(f"no comma before {self.text[self.at : self.at + 20]!r}")
            self.mend("missing comma added")

    def _string(self, place: Place) -> str:
        if self.text.startswith('"""', self.at):
            return self._triple()
        opening = self.text[self.at]
        start = self.at + 1
        end = self._closing_quote(opening, start, place)
        raw = self.text[start:end]
        value, repairs = string_value(raw, opening)
        for repair in repairs:
            self.mend(repair)
        return value

    def _closing_quote(self, opening: str, start: int, place: Place) -> int:
        """The index of the quote that closes the string: the first one after which the text goes on as JSON."""
        closers, at, first = _CLOSERS[opening], start, True
        while at < len(self.text):
            letter = self.text[at]
            if letter == "\\":
                at += 2
                continue
            if letter in closers:
                if self._goes_on(at + 1, place):
                    self.at = at + 1
                    return at
                first = False
            elif letter == "\n" and place == "member" and _LINE_ENDS_STRING.match(self.text, at):
                return self._line_end(at, start)
            at += 1
        if (not first or "\n" in self.text[start:]) and place in ("key", "top"):
            raise Unreadable("a string does not end")
        self._cut_short()
        self.at = len(self.text)
        if place == "key":
            raise _Cut
        return len(self.text)

    def _line_end(self, at: int, start: int) -> int:
        self.mend("missing quote added")
        end = at
        while end > start and self.text[end - 1] in ", \t\r":
            end -= 1
        self.at = at
        return end

    def _goes_on(self, at: int, place: Place) -> bool:
        """Whether what follows a quote is what follows a string."""
        after = _SPACE.match(self.text, at)
        assert after
        at = after.end()
        letter = self.text[at : at + 1]
        if place == "key":
            return letter == ":" or self.text.startswith("=", at)
        if letter == "" or place == "top":
            return True
        if letter in "}]":
            return self._closes(at + 1)
        following = _NEXT_MEMBER if place == "member" else _NEXT_ITEM
        if letter in ",;":
            return bool(following.match(self.text, at + 1))
        if letter in "/#":
            return bool(_COMMENT.match(self.text, at))
        if "\n" in self.text[after.start() : at]:
            return bool(following.match(self.text, at))
        return place == "member" and at > after.start() and bool(_MEMBER_AFTER_SPACE.match(self.text, at))

    def _closes(self, at: int) -> bool:
        """Whether a bracket at the end of a string really closes something: JSON goes on after it, or the text ends."""
        after = self.text[at : at + 40].lstrip()
        return self._depth <= 1 or after[:1] in ("", ",", "}", "]", "`", "/", "#") or "\n" in self.text[at : at + 4]

    def _triple(self) -> str:
        end = self.text.find('"""', self.at + 3)
        if end < 0:
            raise Unreadable("a string of three quotes does not end")
        value = self.text[self.at + 3 : end]
        self.mend("quotes replaced")
        self.at = end + 3
        return value

    def _scalar(self, place: Place) -> Json:
        if self.text.startswith(("...", "…"), self.at):
            raise Unreadable("parts were left out (...)")
        found = bare_value(self.text, self.at, member=place == "member")
        if found is None:
            raise Unreadable(f"no value at {self.text[self.at : self.at + 20]!r}")
        value, end, repair = found
        if end == len(self.text) and place != "top":
            self._cut_short()
            self.mend("cut value dropped")
            self.at = end
            raise _Cut
        if repair:
            self.mend(repair)
        self.at = end
        return value

    def _space(self) -> None:
        while True:
            match = _SPACE.match(self.text, self.at)
            assert match
            if match[0].strip(" \t\r\n"):
                self.mend("odd space dropped")
            self.at = match.end()
            comment = _COMMENT.match(self.text, self.at)
            if comment is None:
                return
            self.mend("comment dropped")
            self.at = comment.end()

    def _at_end(self) -> bool:
        self._space()
        if self.at < len(self.text):
            return False
        self._cut_short()
        return True

    def _cut_short(self) -> None:
        self.truncated = True
        self.mend("cut end closed")


class _Cut(Exception):
    """A scalar ran into the end of the text, so that nobody knows the whole of it."""
