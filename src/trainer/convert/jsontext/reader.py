"""Reads JSON as models write it, mends what can only mean one thing, and says what it mended.

Mended: comments, trailing, stray and missing commas, other, doubled and missing quotes, quotes and line ends inside
strings, bad escapes, bare keys and words, a word between members, Python's and JavaScript's literals, unusual numbers,
missing, surplus and early brackets, a cut end.
Never guessed: parts left out (`...`), a key given twice with two values, a key without a value, expressions.
"""

from __future__ import annotations

import re
from typing import Literal

from trainer.convert.jsontext.scalars import bare_value, string_value
from trainer.core.values import Json

JsonPlace = Literal["top", "key", "member", "item"]

_SPACE = re.compile(r"[\s\u00a0\ufeff\u200b]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|#[^\n]*|<!--.*?-->", re.DOTALL)
_KEY = re.compile(r"[A-Za-z_$][\w$.\-]*|\d+")
_NEXT_MEMBER = re.compile(
    r"""\s*(?:["'“][^"'“”\n]{0,200}(?:["'“”]\s*:|\Z)|[A-Za-z_$][\w$]*\s*:(?!//)|\d+\s*:|[}\]]|//|/\*|\Z"""
    r"""|[A-Za-z_]\w*\s+"[^"\n]{1,200}"\s*:|["'][A-Za-z_]\w*:\s*["'\[{]|[A-Za-z_]\w*["']\s*:"""
    r"""|"[\w .-]{1,60}"[ \t]+(?:["\[{\d-]|(?:true|false|null)\b))"""
)
"""What may follow a comma in an object: a key (quoted, bare, a number, half quoted, without its colon, behind a stray
word), a closing bracket, a comment, or the end of the text."""
_NEXT_ITEM = re.compile(r"""\s*(?:["'“{\[\]}\d.\-+]|true|false|null|None|True|False|NaN|//|/\*|\Z)""")
"""What may follow a comma in a list: the beginning of a value, a closing bracket, a comment, or the end."""
_MEMBER_WITHOUT_COMMA = re.compile(r"""["'][^"'\n:]{1,60}["']\s*:\s*["'\[{\d\-tfnTFN]""")
"""`"b": 2` right behind a value: a comma is missing."""
_ITEM_WITHOUT_COMMA = re.compile(r"""(?:-?\d[\d.]*|true|false|null)\s*(?:[,\]]|\Z)""")
"""`2,` or `true]` right behind a value: a comma is missing."""
_MEMBER_IN_STRING = re.compile(r"""(?<=,)\s*"[^"\n:,]{1,60}"\s*:\s*["\[{\d\-tfn]|\s"[\w -]{1,60}"\s*:\s*["\[{]""")
"""`, "b": 2` within what was read as a string: the quote that ends it is missing."""
_STRUCTURE = re.compile(r"""[\]}]\s*,\s*["'“{\[]|["'“”]\s*:\s*["'“\[{]|["'“”]\s*,\s*[\[{]""")
"""`], [`, `": "` or `", {` within what was read as a string: it ran over the end of its value."""
_LINE_ENDS_STRING = re.compile(r"""\s*(?:["'][^"'\n]{1,200}["']\s*:|[}\]]\s*(?:[,}\]]|\Z))""")
"""A key or a closing bracket on the next line: the string that runs up to it lacks its quote."""
_STRAY_WORD = re.compile(r"""[A-Za-z_]\w*\s+(?="[^"\n]{1,200}"\s*:)""")
"""`COMMENT "b": 2`."""
_KEY_WITHOUT_END = re.compile(r"""["']([A-Za-z_]\w*):\s*(?=["'\[{]|-?\d|true\b|false\b|null\b)""")
"""`"b: 2`."""
_KEY_WITHOUT_START = re.compile(r"""([A-Za-z_]\w*)["'](?=\s*:)""")
"""`b": 2`."""
_KEY_WITHOUT_COLON = re.compile(r"""["'][\w .-]{1,60}["'](?=[ \t]+(?:["'\[{\d-]|(?:true|false|null)\b))""")
"""`"b" 2`."""
_EARLY_CLOSE = re.compile(r"""\s*,\s*"[^"\n]{0,200}"\s*:""")
"""`, "b":` behind the bracket that closed the outermost object: it came too early."""
_CLOSERS = {'"': '"', "'": "'", "“": '”"“', "‘": "’'", "`": "`", "„": '“”"', "”": '”"', "«": "»"}
"""By the quote that opens a string, those that may close it."""
_JOINED = re.compile(r'(?<!\\)"(?:\s+|\s*\+\s*|\s*(?:/\*|//)[^"]{0,200})"')
"""Two strings with a plus, a comment or only space between them: nobody knows whether they are one."""
_DEEPEST = 200
"""Levels of nesting: each takes up to four calls, and Python stops at a thousand."""


class Unreadable(ValueError):
    """The text cannot be read as JSON without guessing."""


class LenientReader:
    """One reading of one text, from `at` on."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = at
        self.repairs: list[str] = []
        self.truncated = False
        self._open: list[str] = []

    def read(self, place: JsonPlace = "top") -> Json:
        """The value that starts here; raises Unreadable."""
        self._space()
        letter = self.text[self.at : self.at + 1]
        if letter in ("{", "["):
            if len(self._open) >= _DEEPEST:
                raise Unreadable("nested too deeply")
            self.at += 1
            return self._members() if letter == "{" else self._array()
        if letter in _CLOSERS:
            return self._string(place)
        return self._scalar(place)

    def mend(self, what: str) -> None:
        """Note a repair, once."""
        if what not in self.repairs:
            self.repairs.append(what)

    def _members(self) -> dict[str, Json]:
        """An object from behind its opening bracket; the outermost goes on where its closing one came too early."""
        self._open.append("}")
        members = self._object({})
        while len(self._open) == 1 and _EARLY_CLOSE.match(self.text, self.at) and self.text[self.at - 1] == "}":
            self.mend("early } dropped")
            members = self._object(members)
        self._open.pop()
        return members

    def _object(self, members: dict[str, Json]) -> dict[str, Json]:
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
        self._open.append("]")
        while not self._ends("]"):
            is_key = re.match(r"""(["'])[^"'\n]{0,200}\1\s*:""", self.text[self.at : self.at + 220])
            if is_key and items:
                self.mend("missing ] added")
                break
            if is_key:
                self.mend("missing { added")
            try:
                items.append(self._members() if is_key else self.read("item"))
            except _Cut:
                break
            self._separator()
        self._open.pop()
        return items

    def _ends(self, closing: str) -> bool:
        """Step over commas; whether the container ends here, by its bracket, another's, or the end of the text."""
        while not self._at_end():
            letter = self.text[self.at]
            if letter == closing:
                self.at += 1
                return True
            if letter in "}]":
                if self._is_surplus(letter):
                    continue
                self._foreign_bracket(closing)
                return True
            if letter != ",":
                return False
            self.mend("stray comma dropped")
            self.at += 1
        return True

    def _is_surplus(self, letter: str) -> bool:
        """Step over a bracket that closes nothing: in a list at the top, before its next object."""
        if self._open == ["]"] and letter == "}" and re.match(r"\}\s*,\s*\{", self.text[self.at : self.at + 40]):
            self.mend("surplus bracket dropped")
            self.at += 1
            return True
        return False

    def _foreign_bracket(self, closing: str) -> None:
        """A bracket of the other kind: it closes the container around this one, or was meant for this one."""
        if self._open == ["}", "]"] and _EARLY_CLOSE.match(self.text, self.at + 1):
            self.mend("} taken for ]")
            self.at += 1
            return
        self.mend(f"missing {closing} added")
        after = self.text[self.at + 1 :].lstrip()
        if len(self._open) == 1 or (after[:1] == closing and len(self._open) == 2):
            self.at += 1

    def _key(self) -> str:
        if stray := _STRAY_WORD.match(self.text, self.at):
            self.mend("stray word dropped")
            self.at = stray.end()
        if unopened := _KEY_WITHOUT_START.match(self.text, self.at):
            self.mend("missing quote added")
            self.at = unopened.end()
            return unopened[1]
        if unended := _KEY_WITHOUT_END.match(self.text, self.at):
            self.mend("missing quote added")
            self.at = unended.end(1)
            return unended[1]
        if uncoloned := _KEY_WITHOUT_COLON.match(self.text, self.at):
            self.at = uncoloned.end()
            return uncoloned[0][1:-1]
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
        if mark is None and re.match(r"""["'\[{\d-]|(?:true|false|null)\b""", self.text[self.at : self.at + 6]):
            self.mend("missing : added")
            return True
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
            if self.text[self.at : self.at + 1] in ("}", "]") and not self._is_surplus(self.text[self.at]):
                self.mend("trailing comma dropped")
        elif letter not in "}]":
            if not _NEXT_MEMBER.match(self.text, self.at) and not _NEXT_ITEM.match(self.text, self.at):
                raise Unreadable(f"no comma before {self.text[self.at : self.at + 20]!r}")
            self.mend("missing comma added")

    def _string(self, place: JsonPlace) -> str:
        if self.text.startswith('"""', self.at):
            return self._triple()
        opening = self.text[self.at]
        start = self.at + 1
        if place != "top" and re.match(rf"{opening}\s?\w[^{opening}\n]*{opening}", self.text[start : start + 300]):
            self.mend("doubled quote dropped")
            start += 1
        end = self._closing_quote(opening, start, place)
        raw = self.text[start:end]
        if (
            _STRUCTURE.search(raw)
            and re.search(r'(?<!\\)["“”]|[\'’]\s*[:,]', raw)
            and raw.lstrip()[:1] not in ("{", "[", "`", "<")
        ):
            raise Unreadable("a string does not end")
        if _holds_several(raw, place) or (opening == "`" and raw.startswith("``")):
            raise Unreadable("several strings where one stands")
        value, repairs = string_value(raw, opening)
        for repair in repairs:
            self.mend(repair)
        return value

    def _closing_quote(self, opening: str, start: int, place: JsonPlace) -> int:
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
                if place == "member" and self._is_member_in_string(at, start):
                    return self._line_end(at, start)
            elif letter == "\n":
                if place == "member" and _LINE_ENDS_STRING.match(self.text, at):
                    return self._line_end(at, start)
                at = self._after_space(at) - 1
            at += 1
        if (not first or "\n" in self.text[start:]) and place in ("key", "top"):
            raise Unreadable("a string does not end")
        if place != "key" and (end := self._before_closers(start)):
            self.mend("missing quote added")
            self.at = end
            return start + len(self.text[start:end].rstrip())
        self._cut_short()
        self.at = len(self.text)
        if place == "key":
            raise _Cut
        return len(self.text)

    def _is_member_in_string(self, at: int, start: int) -> bool:
        """Whether the quote at `at` opens the next key, because the string's own closing quote is missing."""
        window = max(start, at - 40)
        before = window + len(self.text[window:at].rstrip())
        return before > start and bool(_MEMBER_IN_STRING.match(self.text, before))

    def _before_closers(self, start: int) -> int | None:
        """Where a string ends whose quote is missing before the brackets that close all that is open."""
        end = len(self.text.rstrip("}] \t\r\n"))
        brackets = re.sub(r"\s", "", self.text[end:])
        raw = self.text[start:end]
        if brackets != "".join(reversed(self._open)) or not raw or re.search(r"[{\[]", raw):
            return None
        if len(re.findall(r'(?<!\\)"', raw)) % 2:
            raise Unreadable("words after a string")
        return end

    def _line_end(self, at: int, start: int) -> int:
        self.mend("missing quote added")
        end = at
        while end > start and self.text[end - 1] in ", \t\r":
            end -= 1
        self.at = at
        return end

    def _goes_on(self, at: int, place: JsonPlace) -> bool:
        """Whether what follows a quote is what follows a string."""
        start, at = at, self._after_space(at)
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
            return self._goes_on_after_comment(at, place)
        if place == "item" and at > start and self._is_item(at, self.text[start - 1]):
            return True
        if "\n" in self.text[start:at]:
            return bool(following.match(self.text, at))
        return place == "member" and bool(_MEMBER_WITHOUT_COMMA.match(self.text, at))

    def _goes_on_after_comment(self, at: int, place: JsonPlace) -> bool:
        """Whether what starts at `at` is a comment behind a string, and not the string's own words."""
        comment = _COMMENT.match(self.text, at)
        if comment is None:
            return False
        end = self._comment_end(comment)
        if comment.end() == len(self.text) and not comment[0].startswith(("/*", "<!")):
            return '"' not in self.text[at:end]
        following = self.text[self._after_space(comment.end()) :][:1]
        return following in (",", "}", "]", "") or self._goes_on(comment.end(), place)

    def _is_item(self, at: int, quote: str) -> bool:
        """Whether another item starts at `at`, though no comma stands before it."""
        quoted = self.text[at] == quote and self.text[at + 1 : at + 2].isalnum()
        return quoted or bool(_ITEM_WITHOUT_COMMA.match(self.text, at))

    def _closes(self, at: int) -> bool:
        """Whether a bracket at the end of a string really closes something: JSON goes on after it, or the text ends."""
        after = self.text[at : at + 80].lstrip()
        if _MEMBER_WITHOUT_COMMA.match(after):
            return True
        return len(self._open) <= 1 or after[:1] in ("", ",", "}", "]", "`", "/", "#") or "\n" in self.text[at : at + 4]

    def _triple(self) -> str:
        end = self.text.find('"""', self.at + 3)
        if end < 0:
            raise Unreadable("a string of three quotes does not end")
        value = self.text[self.at + 3 : end]
        self.mend("quotes replaced")
        self.at = end + 3
        return value

    def _scalar(self, place: JsonPlace) -> Json:
        if self.text.startswith(("...", "…"), self.at):
            raise Unreadable("parts were left out (...)")
        scalar = bare_value(self.text, self.at, member=place == "member")
        if scalar is None:
            raise Unreadable(f"no value at {self.text[self.at : self.at + 20]!r}")
        value, end, repair = scalar
        if end == len(self.text) and place != "top" and not isinstance(value, bool) and value is not None:
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
            self.at = self._comment_end(comment)

    def _comment_end(self, comment: re.Match[str]) -> int:
        """Where a comment ends: one to the end of a text of a single line stops before a bracket."""
        if comment.end() == len(self.text) and comment[0][:2] not in ("/*", "<!"):
            bracket = re.compile(r"[}\]]").search(self.text, comment.start())
            return bracket.start() if bracket else comment.end()
        return comment.end()

    def _after_space(self, at: int) -> int:
        space = _SPACE.match(self.text, at)
        return space.end() if space else at

    def _at_end(self) -> bool:
        self._space()
        if self.at < len(self.text):
            return False
        self._cut_short()
        return True

    def _cut_short(self) -> None:
        self.truncated = True
        self.mend("cut end closed")


def _holds_several(raw: str, place: JsonPlace) -> bool:
    """Whether a string's inside is several strings: joined by a comment, a plus, space alone, or a comma in a list."""
    if place == "key" and re.search(r'(?<!\\)"\s*[,:]|,\s*"', raw):
        return True
    return bool(_JOINED.search(raw)) or (place == "item" and bool(re.search(r'(?<!\\),\s*"', raw)))


class _Cut(Exception):
    """A scalar ran into the end of the text, so that nobody knows the whole of it."""
