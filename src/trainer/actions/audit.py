"""The audit log of a project: prompts sent, data given out, decisions and changes of policy, in a chain."""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from trainer.actions.wiring import state_folder
from trainer.core.appendlog import AppendLog
from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.digest import canonical, digest
from trainer.core.errors import UsageError, Where
from trainer.core.files import write_atomic
from trainer.core.project import Project
from trainer.core.values import Json
from trainer.providers import Request, find_key
from trainer.security import Audit, AuditLog, Proof

KEY = "TRAINER_AUDIT_KEY"
"""The variable, or the file in the user's state folder, that holds the key of the chain."""


@dataclass(frozen=True)
class PromptLog:
    """The log of one project; its key is looked for, or made, with the first prompt."""

    project: Project
    clock: Clock = system_clock

    @functools.cached_property
    def log(self) -> AuditLog:
        """The chain."""
        return AuditLog(_path(self.project), _key(make=True), clock=self.clock)

    def record(self, request: Request) -> None:
        """Add that a prompt leaves: its digest, its model, the data in it, and the policy it was screened by."""
        prompt, security = request.prompt, self.project.settings.prompt_security
        details: dict[str, Json] = {"prompt": request.key, "provider": request.provider, "model": request.model}
        if not isinstance(prompt, str):
            details |= {
                "instruction": prompt.instruction,
                "data": [f"{block.key}@{block.version}" for block in prompt.data],
            }
        policy = digest(msgspec.to_builtins(security))
        details["policy"] = {"enabled": security.enabled, "level": security.chosen_level, "digest": policy}
        self._note_policy(policy)
        self.log.append("prompt.sent", details)

    def read(self, key: str, version: int) -> None:
        """Add that a datum was given out: its key and version."""
        self.log.append("datum.read", {"key": key, "version": version}, actor=_user())

    def _note_policy(self, policy: str) -> None:
        """Add that the policy is another one than that of the prompt before."""
        path = _path(self.project).with_suffix(".policy")
        former = path.read_text().strip() if path.is_file() else ""
        if former and former != policy:
            self.log.append("policy.changed", {"from": former, "to": policy}, actor=_user())
        if former != policy:
            write_atomic(path, f"{policy}\n")


def note_read(project: Project, key: str, version: int) -> None:
    """Add that a datum was given out, where the project keeps a log: it begins with the first prompt sent."""
    if _path(project).exists() and (log := open_audit(project)):
        log.read(key, version)


def keep_anchor(project: Project, where: str) -> str:
    """Keep the number and code of the last entry elsewhere, and return them: in a file, a git note, or the syslog.

    `where` is `git` (a note on HEAD under refs/notes/trainer-audit), `syslog`, or the path of a file that is added to.
    """
    path = _existing(project)
    line = AuditLog(path, _key(make=False)).anchor()
    if where == "git":
        _git(project, "notes", f"--ref={_NOTES}", "append", "-m", line, "HEAD")
    elif where == "syslog":
        import syslog

        syslog.syslog(syslog.LOG_NOTICE, f"trainer audit {path}: {line}")
    else:
        AppendLog(Path(where)).append(line)
    return line


def kept_anchors(project: Project, where: str) -> list[tuple[int, str]]:
    """The anchors that were kept in a file or, for `git`, in the notes of all commits."""
    if where == "git":
        notes = [note.split()[0] for note in _git(project, "notes", f"--ref={_NOTES}", "list").splitlines()]
        text = "\n".join(_git(project, "cat-file", "blob", note) for note in notes)
        return [_anchor(line) for line in text.split()]
    return [_anchor(str(line)) for line in AppendLog(Path(where)).records()]


_NOTES = "trainer-audit"


def _git(project: Project, *arguments: str) -> str:
    command = ["git", "-c", "user.name=trainer", "-c", "user.email=trainer@localhost", *arguments]
    try:
        done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise UsageError("git is not installed", hint="keep the anchor in a file, or in the syslog") from None
    if done.returncode:
        raise UsageError(f"git: {done.stderr.strip()}", hint="keep the anchor in a file, or commit first")
    return done.stdout


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())


def open_audit(project: Project, *, clock: Clock = system_clock) -> PromptLog | None:
    """The project's audit log; None where the settings switch it off."""
    return PromptLog(project, clock) if project.settings.prompt_security.audit else None


def verify_audit(project: Project, *, anchor: str | None = None, anchors: str | None = None) -> Audit:
    """Whether the project's audit log is whole, up to an anchor `NUMBER:CODE` and those kept in `anchors`.

    Raises UsageError where there is no log, its key is not known here, or the anchor is none.
    """
    path = _path(project)
    end = _anchor(anchor) if anchor else None
    others = kept_anchors(project, anchors) if anchors else []
    if not path.exists() and end is None and not others:
        raise UsageError("there is no audit log", where=Where(str(path)), hint="it begins with the first prompt sent")
    return AuditLog(path, _key(make=False)).verify(end, anchors=others)


def note_event(project: Project, event: str, details: dict[str, Json], *, clock: Clock = system_clock) -> None:
    """Add what a person did to the records, and who; the log begins with it where there is none yet."""
    if log := open_audit(project, clock=clock):
        log.log.append(event, details, actor=_user())


def audit_entries(
    project: Project,
    *,
    event: str | None = None,
    since: datetime | None = None,
    words: Sequence[str] = (),
    limit: int = 50,
) -> list[dict[str, Json]]:
    """The latest entries, newest first: of an event, at or after a moment, with all words somewhere in them.

    Needs no key, and so verifies nothing. Raises UsageError where there is no log.
    """
    wanted = [word.casefold() for word in words]
    start = isoformat(since) if since else ""
    entries = [
        entry
        for entry in AuditLog(_existing(project), b"").entries()
        if event in (None, entry.get("event"))
        and str(entry.get("at")) >= start
        and all(word in canonical(entry).casefold() for word in wanted)
    ]
    return entries[::-1][:limit]


def prove_entry(project: Project, number: int) -> Proof:
    """The proof of one entry; raises UsageError where there is no such entry or the key is not known here."""
    proof = AuditLog(_existing(project), _key(make=False)).prove(number)
    if proof is None:
        raise UsageError(f"the audit log has no entry {number}", hint="run: trainer mart audit")
    return proof


def _existing(project: Project) -> Path:
    path = _path(project)
    if not path.exists():
        raise UsageError("there is no audit log", where=Where(str(path)), hint="it begins with the first prompt sent")
    return path


def _path(project: Project) -> Path:
    return project.state / "audit.jsonl"


def _anchor(text: str) -> tuple[int, str]:
    number, colon, code = text.partition(":")
    if not (colon and number.isdecimal() and code):
        raise UsageError(f'"{text}" is no anchor', hint="give NUMBER:CODE as `trainer security audit verify` prints it")
    return int(number), code


def _key(*, make: bool) -> bytes:
    """The key of the chain, from the environment or a file of the user: never in the project, beside the log."""
    folder = state_folder()
    if make and not os.environ.get(KEY) and not (folder / KEY).exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):  # another process was first: its key counts
            _write_private(folder / KEY, secrets.token_hex(32))
    key = find_key(KEY, environ=os.environ, folder=folder, keyring=False)
    if not key:
        raise UsageError(
            "the key of the audit log is not known here",
            hint=f"export {KEY}=…, or copy {folder / KEY} from where the log was written",
        )
    return key.reveal().encode()


def _write_private(path: Path, text: str) -> None:
    """The file whole, for its owner alone, and only if there is none: two processes may make it at once."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, f"{text}\n".encode())
        os.fsync(handle)
        path.hardlink_to(draft)
    finally:
        os.close(handle)
        draft.unlink()
