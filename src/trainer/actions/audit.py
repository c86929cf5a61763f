"""The audit log of a project: which prompts left for models, in a chain that shows every change."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import msgspec

from trainer.actions.wiring import state_folder
from trainer.core.clock import Clock, system_clock
from trainer.core.digest import digest
from trainer.core.errors import UsageError, Where
from trainer.core.project import Project
from trainer.core.values import Json
from trainer.providers import Request, find_key
from trainer.security import Audit, AuditLog

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
        self.log.append("prompt.sent", details)


def open_audit(project: Project, *, clock: Clock = system_clock) -> PromptLog | None:
    """The project's audit log; None where the settings switch it off."""
    return PromptLog(project, clock) if project.settings.prompt_security.audit else None


def verify_audit(project: Project, *, anchor: str | None = None) -> Audit:
    """Whether the project's audit log is whole, up to an anchor `NUMBER:CODE` that was kept elsewhere.

    Raises UsageError where there is no log, its key is not known here, or the anchor is none.
    """
    path = _path(project)
    end = _anchor(anchor) if anchor else None
    if not path.exists() and end is None:
        raise UsageError("there is no audit log", where=Where(str(path)), hint="it begins with the first prompt sent")
    return AuditLog(path, _key(make=False)).verify(end)


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
