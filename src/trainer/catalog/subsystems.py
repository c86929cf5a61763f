"""What self-healing systems, coding agents and fleets of agents report of themselves, as rows of their tables.

Each call is one transaction, and adds what happened to the row's history. The methods are awaitable, since those who
report are; the work is done in a thread.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import TypeAlias

from trainer.catalog.catalog import Catalog
from trainer.core.clock import isoformat, parse_moment
from trainer.core.errors import UsageError
from trainer.core.values import Json

_Change: TypeAlias = Callable[[Mapping[str, Json]], Mapping[str, Json]]
"""From a row's values, none where it is new, to those that change."""
_FIRST_TRUST = 0.5
_WEIGHT_OF_SUCCESS = 0.7
"""The specification's rule: 70 % success rate, 30 % of the trust before."""
_SILENT = 300
"""Seconds without a heartbeat after which an agent counts as silent."""


def next_trust(success_rate: float, before: float | None) -> float:
    """The trust after a task: 70 % of the success rate and 30 % of what it was.

    >>> next_trust(1.0, 0.5)
    0.85
    """
    previous = _FIRST_TRUST if before is None else before
    return round(_WEIGHT_OF_SUCCESS * success_rate + (1 - _WEIGHT_OF_SUCCESS) * previous, 4)


@dataclass(frozen=True, slots=True)
class SelfHealingIntegration:
    """Runs of playbooks by which systems mend themselves."""

    catalog: Catalog

    async def log_playbook_execution(
        self,
        playbook_name: str,
        trigger_conditions: Mapping[str, Json] | None = None,
        actions: Sequence[str] = (),
        target_components: Sequence[str] = (),
        execution_result: Mapping[str, Json] | None = None,
    ) -> dict[str, Json]:
        """Count a run of a playbook, and the trust in it; the row as it is then.

        `execution_result` has `success`, `duration_ms` and `risk_level`, and whatever else is worth keeping.
        """
        result = dict(execution_result or {})
        if not isinstance(result.get("success"), bool):
            raise UsageError(
                "an execution has a success that is true or false", hint='execution_result={"success": true}'
            )
        now = isoformat(self.catalog.clock())

        def change(before: Mapping[str, Json]) -> dict[str, Json]:
            runs = (before.get("total_runs") or 0) + 1
            successes = (before.get("successful_runs") or 0) + result["success"]
            duration = result.get("duration_ms")
            average = before.get("average_duration_ms")
            if duration is not None:
                average = duration if average is None else round(average + (duration - average) / runs, 3)
            return {
                "trigger_conditions": dict(trigger_conditions or before.get("trigger_conditions") or {}),
                "actions": list(actions or before.get("actions") or ()),
                "target_components": list(target_components or before.get("target_components") or ()),
                "risk_level": result.get("risk_level") or before.get("risk_level") or "medium",
                "total_runs": runs,
                "successful_runs": successes,
                "success_rate": round(successes / runs, 4),
                "average_duration_ms": average,
                "last_duration_ms": duration,
                "last_success": result["success"],
                "last_result": result,
                "last_run_at": now,
                "trust_score": next_trust(successes / runs, before.get("trust_score")),
            }

        return await _changed(self.catalog, "self_healing", {"playbook_name": playbook_name}, change, "execution")

    async def get_playbook_stats(self, playbook_name: str) -> dict[str, Json]:
        """The row of a playbook; raises UsageError where it never ran."""
        return await asyncio.to_thread(_row, self.catalog, "self_healing", "playbook_name", playbook_name)

    async def get_top_playbooks(self, limit: int = 10) -> list[dict[str, Json]]:
        """The playbooks that are trusted most, those with more runs first among equals."""
        rows = await asyncio.to_thread(self.catalog.rows, "self_healing")
        ranked = sorted((row.values for row in rows), key=lambda row: (-(row["trust_score"] or 0), -row["total_runs"]))
        return [dict(row) for row in ranked[:limit]]


@dataclass(frozen=True, slots=True)
class CodingAgentIntegration:
    """Work orders of coding agents: pending, in progress, in review, deployed."""

    catalog: Catalog

    async def create_work_order(  # noqa: PLR0917  (the specification's signature)
        self,
        work_order_id: str,
        title: str,
        description: str = "",
        task_type: str = "feature",
        priority: str = "medium",
        assigned_to: str | None = None,
    ) -> dict[str, Json]:
        """A new work order; one that is there keeps what was reported of it. Its row."""
        values: dict[str, Json] = {
            "title": title,
            "description": description or None,
            "task_type": task_type,
            "priority": priority,
            "assigned_to": assigned_to,
        }
        return await _changed(
            self.catalog, "coding_agent", {"work_order_id": work_order_id}, lambda _: values, "created"
        )

    async def log_code_changes(
        self, work_order_id: str, affected_files: Sequence[str] = (), lines_added: int = 0, lines_removed: int = 0
    ) -> dict[str, Json]:
        """Add changed files and lines to those before; work is in progress from then on."""

        def change(before: Mapping[str, Json]) -> dict[str, Json]:
            return {
                "affected_files": sorted({*(before.get("affected_files") or ()), *affected_files}),
                "lines_added": (before.get("lines_added") or 0) + int(lines_added),
                "lines_removed": (before.get("lines_removed") or 0) + int(lines_removed),
                "status": "in_progress" if before.get("status") == "pending" else before.get("status"),
            }

        return await self._order(work_order_id, change, "code changes")

    async def log_test_results(self, work_order_id: str, test_results: Mapping[str, Json]) -> dict[str, Json]:
        """Keep a run of tests, `{total, passed, failed}`; the order is in review, and trusted as its tests pass."""
        total, passed = int(test_results.get("total") or 0), int(test_results.get("passed") or 0)
        if not 0 <= passed <= total:
            raise UsageError(f"of {total} tests, {passed} cannot have passed")

        def change(before: Mapping[str, Json]) -> dict[str, Json]:
            return {
                "test_results": dict(test_results),
                "tests_total": total,
                "tests_passed": passed,
                "tests_failed": int(test_results.get("failed") or total - passed),
                "status": "review" if before.get("status") in ("pending", "in_progress") else before.get("status"),
                "trust_score": next_trust(passed / total, before.get("trust_score")) if total else None,
            }

        return await self._order(work_order_id, change, "test results")

    async def mark_deployed(
        self, work_order_id: str, deployment_impact: Mapping[str, Json] | None = None
    ) -> dict[str, Json]:
        """The order is deployed."""
        values: dict[str, Json] = {
            "status": "deployed",
            "deployment_impact": dict(deployment_impact or {}),
            "deployed_at": isoformat(self.catalog.clock()),
        }
        return await self._order(work_order_id, lambda _: values, "deployed")

    async def get_stats(self) -> dict[str, Json]:
        """How many orders there are by status and type, how many tests passed, and the mean trust."""
        rows = [row.values for row in await asyncio.to_thread(self.catalog.rows, "coding_agent")]
        total = sum(row["tests_total"] or 0 for row in rows)
        scores = [row["trust_score"] for row in rows if row["trust_score"] is not None]
        return {
            "work_orders": len(rows),
            "by_status": dict(Counter(row["status"] for row in rows)),
            "by_type": dict(Counter(row["task_type"] for row in rows)),
            "tests_total": total,
            "test_pass_rate": round(sum(row["tests_passed"] or 0 for row in rows) / total, 4) if total else None,
            "average_trust": round(fmean(scores), 4) if scores else None,
        }

    async def _order(self, work_order_id: str, change: _Change, event: str) -> dict[str, Json]:
        return await _changed(
            self.catalog, "coding_agent", {"work_order_id": work_order_id}, change, event, must_exist=True
        )


@dataclass(frozen=True, slots=True)
class SubAgentsIntegration:
    """A fleet of agents: who there is, what each does, and how far each is trusted."""

    catalog: Catalog

    async def register_agent(  # noqa: PLR0917  (the specification's signature)
        self,
        agent_id: str,
        agent_name: str,
        agent_type: str = "worker",
        mission: str = "",
        capabilities: Sequence[str] = (),
        constraints: Mapping[str, Json] | None = None,
    ) -> dict[str, Json]:
        """Register an agent, or register it anew: its tasks and its trust stay. Its row."""
        now = isoformat(self.catalog.clock())

        def change(before: Mapping[str, Json]) -> dict[str, Json]:
            return {
                "agent_name": agent_name,
                "agent_type": agent_type,
                "mission": mission or before.get("mission"),
                "capabilities": list(capabilities),
                "constraints": dict(constraints or {}),
                "status": "idle",
                "registered_at": before.get("registered_at") or now,
                "last_heartbeat_at": now,
            }

        return await _changed(self.catalog, "sub_agents", {"agent_id": agent_id}, change, "registered")

    async def update_agent_status(self, agent_id: str, status: str, current_task: str | None = None) -> dict[str, Json]:
        """What the agent does now: idle, active, busy, error or offline."""
        values = {"status": status, "current_task": current_task, "last_heartbeat_at": isoformat(self.catalog.clock())}
        return await self._agent(agent_id, lambda _: values, "status")

    async def log_task_completion(self, agent_id: str, success: bool, task: str | None = None) -> dict[str, Json]:
        """Count a task; the trust becomes 70 % of the success rate and 30 % of what it was."""
        now = isoformat(self.catalog.clock())

        def change(before: Mapping[str, Json]) -> dict[str, Json]:
            completed = (before.get("tasks_completed") or 0) + bool(success)
            failed = (before.get("tasks_failed") or 0) + (not success)
            rate = completed / (completed + failed)
            return {
                "tasks_completed": completed,
                "tasks_failed": failed,
                "success_rate": round(rate, 4),
                "trust_score": next_trust(rate, before.get("trust_score")),
                "status": "idle",
                "current_task": None,
                "last_heartbeat_at": now,
            }

        return await self._agent(agent_id, change, f"task {task or ''} {'done' if success else 'failed'}")

    async def heartbeat(self, agent_id: str) -> dict[str, Json]:
        """The agent lives."""
        values: dict[str, Json] = {"last_heartbeat_at": isoformat(self.catalog.clock())}
        return await self._agent(agent_id, lambda _: values, "heartbeat")

    async def get_agent_stats(self, agent_id: str) -> dict[str, Json]:
        """The row of an agent; raises UsageError for one that is not registered."""
        return await asyncio.to_thread(_row, self.catalog, "sub_agents", "agent_id", agent_id)

    async def get_active_agents(self) -> list[dict[str, Json]]:
        """The agents that are at work."""
        rows = await asyncio.to_thread(self.catalog.rows, "sub_agents")
        return [dict(row.values) for row in rows if row.values["status"] in ("active", "busy")]

    async def get_fleet_stats(self) -> dict[str, Json]:
        """How many agents there are by status and type, their tasks, their mean trust, and who is silent."""
        rows = [row.values for row in await asyncio.to_thread(self.catalog.rows, "sub_agents")]
        completed = sum(row["tasks_completed"] or 0 for row in rows)
        failed = sum(row["tasks_failed"] or 0 for row in rows)
        now = self.catalog.clock()
        return {
            "total_agents": len(rows),
            "by_status": dict(Counter(row["status"] for row in rows)),
            "by_type": dict(Counter(row["agent_type"] for row in rows)),
            "tasks_completed": completed,
            "tasks_failed": failed,
            "success_rate": round(completed / (completed + failed), 4) if completed + failed else None,
            "average_trust": round(fmean(row["trust_score"] for row in rows), 4) if rows else None,
            "silent": sorted(
                row["agent_id"]
                for row in rows
                if row["status"] != "offline" and _age(row["last_heartbeat_at"], now) > _SILENT
            ),
        }

    async def _agent(self, agent_id: str, change: _Change, event: str) -> dict[str, Json]:
        return await _changed(self.catalog, "sub_agents", {"agent_id": agent_id}, change, event, must_exist=True)


def _age(moment: str | None, now: datetime) -> float:
    return (now - parse_moment(moment).astimezone(UTC)).total_seconds() if moment else float("inf")


async def _changed(
    catalog: Catalog, table: str, key: Mapping[str, Json], change: _Change, event: str, *, must_exist: bool = False
) -> dict[str, Json]:
    """The row with that key after a change that is told what it was; an empty mapping where there was none."""

    def write() -> dict[str, Json]:
        def values(before: Mapping[str, Json] | None) -> Mapping[str, Json]:
            if before is None and must_exist:
                raise _unknown(table, *next(iter(key.items())))
            return {**(before or {}), **key, **change(before or {})}

        return dict(catalog.record(table, key, values, actor=table, reason=event).values)

    return await asyncio.to_thread(write)


def _row(catalog: Catalog, table: str, field: str, value: str) -> dict[str, Json]:
    rows = catalog.rows(table, f'"{field}" = ?', [value])
    if not rows:
        raise _unknown(table, field, value)
    return dict(rows[0].values)


def _unknown(table: str, field: str, value: Json) -> UsageError:
    return UsageError(f'{table} has no {field} "{value}"', hint=f"see: trainer tables show {table}")
