"""What changed between two editions of a report: the one on disk, and one that git holds."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from trainer.actions.report_source import find_report
from trainer.checks import bare_text
from trainer.convert import Options, load_theme, parse_markdown, write
from trainer.core.errors import TrainerError, UsageError
from trainer.core.project import Project
from trainer.draft.wording import sentences
from trainer.reports import Provenance, output_paths, provenance_path, read_provenance
from trainer.reports.editions import Edition, EditionDiff, compare_editions, diff_markdown
from trainer.reports.provenance import parse_provenance

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def diff_report(project: Project, name: str, *, since: str | None = None) -> EditionDiff:
    """What changed from an edition in git to the one on disk.

    `since` is a date or anything that git knows as a commit; without it, the last commit that holds another edition.
    Raises UsageError where there is no report, no git, or no such edition.
    """
    spec = find_report(project, name)
    markdown, record = output_paths(project.output, spec)["markdown"], provenance_path(project.output, name)
    if not markdown.is_file() or (provenance := read_provenance(record, figures=True)) is None:
        raise UsageError(f"the report {name} was never built", hint=f"build it first: trainer report {name}")
    now = _edition("now", provenance, markdown.read_text(encoding="utf-8", errors="replace"))
    commit = _commit(project, name, (markdown, record), since)
    text, old = _shown(project, commit, markdown), _shown(project, commit, record)
    former = parse_provenance(old, figures=True) if old is not None else None
    if text is None or former is None:
        raise UsageError(f"{commit} holds no edition of {name}", hint="name a later commit or date with --since")
    label = _git(project, "show", "--no-patch", "--format=%h of %cs", commit).strip()
    before = _edition(label, former, text.decode("utf-8", "replace"))
    return compare_editions(before, now, split=sentences)


def diff_page(project: Project, diff: EditionDiff) -> str:
    """The differences as a page in the project's theme."""
    theme = load_theme(templates=project.information / "templates", css=project.information / "css")
    document = parse_markdown(diff_markdown(diff), shown=f"{diff.report}.md")
    content: str = write(document, "html", Options(theme=theme)).content
    return content


def _edition(label: str, provenance: Provenance, markdown: str) -> Edition:
    return Edition(label, provenance, bare_text(markdown))


def _commit(project: Project, name: str, files: tuple[Path, Path], since: str | None) -> str:
    """The commit that holds the earlier edition."""
    if since is None:
        log = _git(project, "log", "--format=%H", "--", *(file.relative_to(project.root).as_posix() for file in files))
        for commit in log.split():
            if any(_shown(project, commit, file) != file.read_bytes() for file in files):
                return commit
        hint = "an edition is what was committed: git add output && git commit"
        raise UsageError(f"git holds no other edition of {name}", hint=hint)
    if _DATE.fullmatch(since):
        commit = _git(project, "rev-list", "-1", f"--before={since}T23:59:59Z", "HEAD").strip()
        if not commit:
            raise UsageError(f"there is no commit of {since} or before")
        return commit
    commit = _git(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{since}^{{commit}}", fails=True)
    if not commit.strip():
        hint = "name a day (2026-03-01), a commit, a branch or a tag"
        raise UsageError(f'--since "{since}" is neither a date nor a commit', hint=hint)
    return commit.strip()


def _shown(project: Project, commit: str, file: Path) -> bytes | None:
    """A file's bytes in a commit; None where it does not hold it."""
    path = file.relative_to(project.root).as_posix()
    done = _run(project, "show", f"{commit}:./{path}")
    return done.stdout if done.returncode == 0 else None


def _git(project: Project, *arguments: str, fails: bool = False) -> str:
    """What git answers; raises UsageError for a failure, unless it `fails` without harm."""
    done = _run(project, *arguments)
    if done.returncode and not fails:
        problem = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ").partition("\n")[0]
        raise UsageError(f"git: {problem}", hint="editions are compared by git: git init, and commit output/")
    return done.stdout.decode("utf-8", "replace")


def _run(project: Project, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(project.root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False)  # noqa: S603  (git, without a shell)
    except FileNotFoundError:
        raise TrainerError("git is not installed", hint="editions are compared by git") from None
