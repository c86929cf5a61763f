"""A log of what was sent, read and decided, in which no entry can be changed, moved or cut off unseen.

Each entry holds its number, the code of the one before, and a code of its own: HMAC-SHA256 over both with a key that
does not lie beside the log. A file beside the log holds the number and code of the last entry, so that a cut tail
shows; `anchor` gives that line to be kept elsewhere, for who can write both files can shorten both.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.core.appendlog import AppendLog
from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.digest import canonical, digest
from trainer.core.values import Json

_FIRST = "0" * 64
"""The code before the first entry's."""
_LONGEST = 8_192
"""Bytes of one entry; longer details are replaced by their digest, so that the last entry is found by a short read."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the chain is broken."""

    kind: str
    """`altered`, `missing`, `moved`, `cut`, `unreadable` or `unknown key`."""
    line: int
    """In the log, from 1; one past the last for a tail that is cut off."""
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.kind}: {self.message}"


@dataclass(frozen=True, slots=True)
class Audit:
    """What a verification says."""

    entries: int
    head: str
    """The code of the last entry: the line to compare with what was kept elsewhere."""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """That one entry stands in the log as it was written, and what it is bound to."""

    entry: Mapping[str, Json]
    """As it is written."""
    is_valid: bool
    """Whether its code is right, and so is every entry from it to the head."""
    head: str
    """`NUMBER:CODE` of the last entry, whose code depends on this one."""
    codes: tuple[str, ...]
    """Of this entry and all that follow it, each made over the one before it; the last is the head's."""
    faults: tuple[Fault, ...] = ()
    """Those at this entry and after it."""


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The log at `path`, written and verified with `key`."""

    path: Path
    key: bytes
    clock: Clock = system_clock

    @property
    def key_id(self) -> str:
        """Which key an entry was written with; the key cannot be told from it."""
        return hmac.new(self.key, b"key id", hashlib.sha256).hexdigest()[:12]

    def append(self, event: str, details: Mapping[str, Json], *, actor: str = "") -> str:
        """Add an entry: `prompt.sent`, `datum.read` …; the code of the entry. Raises TrainerError where it cannot."""
        with AppendLog(self.path, sync=None).locked() as log:
            size = os.fstat(log.handle).st_size
            number, before = self._last(log.read(max(0, size - _LONGEST))[0][-1:])
            entry: dict[str, Json] = {
                "number": number + 1,
                "at": isoformat(self.clock()),
                "actor": actor,
                "event": event,
                "details": _short(details),
                "key": self.key_id,
                "before": before,
            }
            entry["code"] = self._code(entry)
            log.append(entry)
            self._keep_head(number + 1, str(entry["code"]))
        return str(entry["code"])

    def verify(self, anchor: tuple[int, str] | None = None, *, anchors: Sequence[tuple[int, str]] = ()) -> Audit:
        """Whether every entry is as it was written, in its place, and none is gone, up to the head and the anchors.

        An anchor is the number and code of an entry, kept elsewhere since it was written.
        """
        faults: list[Fault] = []
        before, expected, codes = _FIRST, 1, {}
        lines = AppendLog(self.path).lines()
        for line, text in enumerate(lines, start=1):
            entry = _parsed(text)
            if entry is None:
                faults.append(Fault("unreadable", line, "this is no entry"))
                continue
            if entry.get("key") != self.key_id:
                faults.append(Fault("unknown key", line, f"written with another key, {entry.get('key')}"))
            elif entry.get("code") != self._code(entry):
                faults.append(Fault("altered", line, f"entry {entry.get('number')} is not as it was written"))
            elif entry["before"] != before:
                kind = "moved" if entry["number"] < expected else "missing"
                faults.append(Fault(kind, line, f"entry {entry['number']} does not follow entry {expected - 1}"))
            before = str(entry.get("code"))
            expected = int(entry.get("number") or 0) + 1
            codes[expected - 1] = before
        head = self._kept_head()
        if head is None and lines:
            message = f"{self._head.name} is gone or spoilt, so that a cut tail would not show"
            faults.append(Fault("cut", len(lines) + 1, message))
        faults += _cut(self._head.name, head, codes, len(lines))
        for anchored in [*([anchor] if anchor else []), *anchors]:
            faults += _cut("the anchor", anchored, codes, len(lines))
        return Audit(len(lines), before, tuple(faults))

    def entries(self) -> list[dict[str, Json]]:
        """All entries that can be read, as they are written, the oldest first; nothing is verified."""
        return [entry for text in AppendLog(self.path).lines() if (entry := _parsed(text)) is not None]

    def prove(self, number: int) -> Proof | None:
        """The proof of the entry with that number; None where there is none."""
        lines = AppendLog(self.path).lines()
        parsed = [_parsed(text) for text in lines]
        line = next((line for line, entry in enumerate(parsed, 1) if entry and entry["number"] == number), None)
        if line is None:
            return None
        entry = parsed[line - 1]
        assert entry is not None
        verified = self.verify()
        faults = tuple(fault for fault in verified.faults if fault.line >= line)
        after = [later for later in parsed[line - 1 :] if later is not None]
        codes = tuple(str(later.get("code")) for later in after)
        return Proof(entry, not faults, f"{after[-1]['number']}:{codes[-1]}", codes, faults)

    def anchor(self) -> str:
        """Number and code of the last entry as one line, `42:1f2e…`, to be kept elsewhere."""
        number, code = self._last(AppendLog(self.path).lines()[-1:])
        return f"{number}:{code}"

    @property
    def _head(self) -> Path:
        return self.path.with_suffix(".head")

    def _keep_head(self, number: int, code: str) -> None:
        """Write the last entry beside the log: as many bytes each time, so that one write leaves no other rest."""
        handle = os.open(self._head, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.pwrite(handle, f"{number:012d} {code}\n".encode(), 0)
        finally:
            os.close(handle)

    def _kept_head(self) -> tuple[int, str] | None:
        """The last entry by the file beside the log; None where that is gone or spoilt."""
        try:
            number, code = self._head.read_text(encoding="ascii").split()
            return int(number), code
        except (OSError, ValueError):
            return None

    def _last(self, lines: list[bytes]) -> tuple[int, str]:
        entry = _parsed(lines[0]) if lines else None
        return (int(entry["number"]), str(entry["code"])) if entry else (0, _FIRST)

    def _code(self, entry: Mapping[str, Json]) -> str:
        bare = {name: value for name, value in entry.items() if name != "code"}
        return hmac.new(self.key, canonical(bare).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _parsed(line: bytes) -> dict[str, Json] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("number"), int) else None


def _short(details: Mapping[str, Json]) -> dict[str, Json]:
    text = canonical(details)
    return dict(details) if len(text.encode("utf-8", "surrogatepass")) < _LONGEST // 2 else {"digest": digest(details)}


def _cut(keeper: str, entry: tuple[int, str] | None, codes: Mapping[int, str], lines: int) -> list[Fault]:
    """A fault where the entry that `keeper` knows is not in the log as it knows it."""
    if entry is None or codes.get(entry[0]) == entry[1]:
        return []
    return [Fault("cut", lines + 1, f"{keeper} knows entry {entry[0]}, which is not in the log")]
