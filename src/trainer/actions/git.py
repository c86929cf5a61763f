"""Earlier states of a project's files, as its git repository holds them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from trainer.core.errors import TrainerError, UsageError
from trainer.core.project import Project

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def find_commit(project: Project, revision: str, *, option: str) -> str:
    """The commit that a date, or anything git knows as one, names; raises UsageError naming `option` where none is."""
    if _DATE.fullmatch(revision):
        commit = git_output(project, "rev-list", "-1", f"--before={revision}T23:59:59Z", "HEAD").strip()
        if not commit:
            raise UsageError(f"there is no commit of {revision} or before")
        return commit
    parsed = _run(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if parsed.returncode:
        hint = "name a day (2026-03-01), a commit, a branch or a tag"
        raise UsageError(f'{option} "{revision}" is neither a date nor a commit', hint=hint)
    return parsed.stdout.decode().strip()


def file_in_commit(project: Project, commit: str, file: Path) -> bytes | None:
    """A file's bytes in a commit; None where it does not hold it."""
    path = file.relative_to(project.root).as_posix()
    done = _run(project, "show", f"{commit}:./{path}")
    return done.stdout if done.returncode == 0 else None


def git_output(project: Project, *arguments: str) -> str:
    """What git answers; raises UsageError for a failure."""
    done = _run(project, *arguments)
    if done.returncode:
        problem = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ").partition("\n")[0]
        raise UsageError(f"git: {problem}", hint="earlier states are read from git: git init, and commit them")
    return done.stdout.decode("utf-8", "replace")


def _run(project: Project, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(project.root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False)  # noqa: S603  (git, without a shell)
    except FileNotFoundError:
        raise TrainerError("git is not installed", hint="earlier states are read from git") from None
