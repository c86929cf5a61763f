"""Tell others what happened, by a command or a webhook: what waits, failed or dropped in trust, and what was built."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence

from trainer.actions.report_outcome import ReportOutcome
from trainer.core.config.schema import Hook
from trainer.core.digest import canonical
from trainer.core.project import Project
from trainer.core.values import Json

_PATIENCE = 30.0
"""Seconds that a notification may take: whoever decides waits for it."""
_PATIENCE_OF_HOOKS = 600.0
"""Seconds that what follows a build may take, such as publishing it."""
_MOST = 100
"""Items of one message."""


def notify_people(
    project: Project, event: str, items: Sequence[Mapping[str, Json]], *, tell: Callable[[str], None]
) -> None:
    """Run the command and post to the address of the settings; a failure is only told: what was decided stands."""
    section = project.settings.governance
    hook = Hook(command=section.notify_command, webhook=section.notify_webhook)
    for failure in _send(project, hook, event, items, names=("governance.notify_command", "governance.notify_webhook")):
        tell(failure)


def after_build(project: Project, outcomes: Sequence[ReportOutcome]) -> list[str]:
    """Why the hook `after_build` failed; it is told what became of each report that was not current."""
    built = [outcome.as_json() for outcome in outcomes if outcome.status != "current"]
    if not built:
        return []
    names = ("hooks.after_build.command", "hooks.after_build.webhook")
    hook = project.settings.hooks.after_build
    return _send(project, hook, "build", built, names=names, patience=_PATIENCE_OF_HOOKS)


def _send(
    project: Project,
    hook: Hook,
    event: str,
    items: Sequence[Mapping[str, Json]],
    *,
    names: tuple[str, str],
    patience: float = _PATIENCE,
) -> list[str]:
    """What went wrong, by the `names` of the settings of command and webhook."""
    message = {
        "event": event,
        "project": project.root.name,
        "target": project.config.target,
        "count": len(items),
        "items": list(items)[:_MOST],
    }
    failures = []
    command, webhook = names
    if hook.command:
        try:
            done = subprocess.run(  # noqa: S603  (the project's own setting)
                hook.command,
                input=canonical(message).encode(),
                capture_output=True,
                timeout=patience,
                check=False,
                cwd=project.root,
            )
            if done.returncode:
                last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
                failures.append(f"{command} ended with {done.returncode}{f': {last}' if last else ''}")
        except (OSError, subprocess.TimeoutExpired) as error:
            failures.append(f"{command} could not be run: {error}")
    if hook.webhook:
        import httpx

        try:
            httpx.post(hook.webhook, json=json.loads(canonical(message)), timeout=patience).raise_for_status()
        except httpx.HTTPError as error:
            failures.append(f"{webhook} could not be reached: {type(error).__name__}")
    return failures
