"""Tell people by a command or a webhook that something waits, failed or dropped in trust."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence

from trainer.core.digest import canonical
from trainer.core.project import Project
from trainer.core.values import Json

_PATIENCE = 30.0
"""Seconds that a notification may take."""


def notify_people(
    project: Project, event: str, items: Sequence[Mapping[str, Json]], *, tell: Callable[[str], None]
) -> None:
    """Run the command and post to the address of the settings; a failure is only told: what was decided stands."""
    section = project.settings.governance
    message = {"event": event, "project": project.root.name, "count": len(items), "items": list(items)[:100]}
    if section.notify_command:
        try:
            done = subprocess.run(  # noqa: S603  (the project's own setting)
                section.notify_command,
                input=canonical(message).encode(),
                capture_output=True,
                timeout=_PATIENCE,
                check=False,
                cwd=project.root,
            )
            if done.returncode:
                tell(f"governance.notify_command ended with {done.returncode}")
        except (OSError, subprocess.TimeoutExpired) as error:
            tell(f"governance.notify_command could not be run: {error}")
    if section.notify_webhook:
        import httpx

        try:
            httpx.post(
                section.notify_webhook, json=json.loads(canonical(message)), timeout=_PATIENCE
            ).raise_for_status()
        except httpx.HTTPError as error:
            tell(f"governance.notify_webhook could not be reached: {type(error).__name__}")
