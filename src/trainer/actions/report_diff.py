"""What changed between two editions of a report: the one on disk, and one that git holds."""

from __future__ import annotations

from pathlib import Path

from trainer.actions.git import file_in_commit, find_commit, git_output
from trainer.actions.report_source import find_report
from trainer.checks import bare_text
from trainer.convert import Options, load_theme, parse_markdown, write
from trainer.core.errors import UsageError
from trainer.core.project import Project
from trainer.draft.wording import sentences
from trainer.reports import Provenance, output_paths, provenance_path, read_provenance
from trainer.reports.editions import Edition, EditionDiff, compare_editions, diff_markdown
from trainer.reports.provenance import parse_provenance


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
    text, old = file_in_commit(project, commit, markdown), file_in_commit(project, commit, record)
    former = parse_provenance(old, figures=True) if old is not None else None
    if text is None or former is None:
        raise UsageError(f"{commit} holds no edition of {name}", hint="name a later commit or date with --since")
    label = git_output(project, "show", "--no-patch", "--format=%h of %cs", commit).strip()
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
        log = git_output(
            project, "log", "--format=%H", "--", *(file.relative_to(project.root).as_posix() for file in files)
        )
        for commit in log.split():
            if any(file_in_commit(project, commit, file) != file.read_bytes() for file in files):
                return commit
        hint = "an edition is what was committed: git add output && git commit"
        raise UsageError(f"git holds no other edition of {name}", hint=hint)
    return find_commit(project, since, option="--since")
