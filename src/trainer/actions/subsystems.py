"""What subsystems report of themselves, from Python and from the command line.

    from trainer.actions.subsystems import sub_agents_integration

    await sub_agents_integration.register_agent(agent_id="shard-01", agent_name="Shard", agent_type="shard")

The three integrations belong to the project around the working folder, or that of TRAINER_PROJECT, looked up with each
call; `integrations(project)` gives those of another.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from trainer.actions.tables import open_catalog
from trainer.catalog import CodingAgentIntegration, SelfHealingIntegration, SubAgentsIntegration
from trainer.core.errors import UsageError, unknown
from trainer.core.project import Project, open_project
from trainer.core.values import Json

_KINDS: dict[str, type] = {
    "self_healing": SelfHealingIntegration,
    "coding_agent": CodingAgentIntegration,
    "sub_agents": SubAgentsIntegration,
}


def integrations(
    project: Project,
) -> tuple[SelfHealingIntegration, CodingAgentIntegration, SubAgentsIntegration]:
    """The three integrations of a project."""
    catalog = open_catalog(project)
    return SelfHealingIntegration(catalog), CodingAgentIntegration(catalog), SubAgentsIntegration(catalog)


def list_hooks() -> dict[str, tuple[str, ...]]:
    """Every hook with the names of its values; `?` behind those that can be left out."""
    return {
        f"{name}.{method}": tuple(
            f"{parameter.name}{'' if parameter.default is inspect.Parameter.empty else '?'}"
            for parameter in list(inspect.signature(function).parameters.values())[1:]
        )
        for name, kind in _KINDS.items()
        for method, function in inspect.getmembers(kind, inspect.iscoroutinefunction)
        if not method.startswith("_")
    }


def call_hook(project: Project, name: str, words: Sequence[str]) -> Json:
    """What the hook `subsystem.method` gives for values in words `NAME=VALUE`; a VALUE that is JSON is read as such.

    Raises UsageError for an unknown hook or name, and for one that is missing.
    """
    hooks = list_hooks()
    if name not in hooks:
        message, hint = unknown("hook", name, hooks)
        raise UsageError(message, hint=hint)
    names = [one.rstrip("?") for one in hooks[name]]
    values: dict[str, Json] = {}
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or key not in names:
            message, hint = unknown(f"value of {name}", key, names)
            raise UsageError(message, hint=hint if sign else "write it like agent_id=shard-01")
        values[key] = _value(text)
    missing = [one for one in hooks[name] if not one.endswith("?") and one not in values]
    if missing:
        raise UsageError(f"{name} needs {', '.join(missing)}", hint=f"trainer tables hook {name} {missing[0]}=…")
    subsystem, _, method = name.partition(".")
    integration = _KINDS[subsystem](open_catalog(project))
    return asyncio.run(getattr(integration, method)(**values))


def _value(text: str) -> Json:
    """A list, mapping, number, true or false that stands as JSON; else the text itself."""
    try:
        return json.loads(text) if text[:1] in '[{"' or text in ("true", "false") or text.isdecimal() else text
    except ValueError:
        return text


class _ProjectAround:
    """An integration of whatever project the process stands in when it is used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        project = open_project(Path.cwd(), environ=os.environ)
        return getattr(_KINDS[self._name](open_catalog(project)), method)


self_healing_integration = cast("SelfHealingIntegration", _ProjectAround("self_healing"))
coding_agent_integration = cast("CodingAgentIntegration", _ProjectAround("coding_agent"))
sub_agents_integration = cast("SubAgentsIntegration", _ProjectAround("sub_agents"))
