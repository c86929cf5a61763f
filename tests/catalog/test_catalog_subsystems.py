"""The specification's examples of subsystem hooks, as they stand there, and what they leave."""

import asyncio

import pytest

from trainer.catalog import CodingAgentIntegration, SelfHealingIntegration, SubAgentsIntegration
from trainer.core.errors import UsageError


def test_the_example_of_a_playbook_run(catalog):
    self_healing_integration = SelfHealingIntegration(catalog)

    async def example():
        await self_healing_integration.log_playbook_execution(
            playbook_name="restart_service",
            trigger_conditions={"error_rate": 0.15},
            actions=["systemctl restart grace-backend"],
            target_components=["backend_api"],
            execution_result={"success": True, "duration_ms": 350, "risk_level": "medium"},
        )
        await self_healing_integration.log_playbook_execution(
            "restart_service", execution_result={"success": False, "duration_ms": 450}
        )
        return await self_healing_integration.get_playbook_stats("restart_service")

    stats = asyncio.run(example())
    assert (stats["total_runs"], stats["successful_runs"], stats["success_rate"]) == (2, 1, 0.5)
    assert (stats["average_duration_ms"], stats["risk_level"]) == (400, "medium")
    assert stats["trust_score"] == pytest.approx(0.7 * 0.5 + 0.3 * 0.85)
    assert stats["actions"] == ["systemctl restart grace-backend"]
    row = catalog.rows("self_healing")[0]
    assert [version.values["last_success"] for version in catalog.history("self_healing", row.id)] == [True, False]


def test_the_example_of_a_work_order(catalog):
    coding_agent_integration = CodingAgentIntegration(catalog)

    async def example():
        await coding_agent_integration.create_work_order(
            work_order_id="WO-2025-123",
            title="Add user authentication",
            description="Implement JWT authentication",
            task_type="feature",
            priority="high",
        )
        await coding_agent_integration.log_code_changes(
            work_order_id="WO-2025-123",
            affected_files=["backend/auth.py", "backend/middleware.py"],
            lines_added=250,
            lines_removed=15,
        )
        await coding_agent_integration.log_test_results(
            work_order_id="WO-2025-123", test_results={"total": 25, "passed": 24, "failed": 1}
        )
        await coding_agent_integration.mark_deployed("WO-2025-123", {"requests": "unchanged"})
        return await coding_agent_integration.get_stats()

    stats = asyncio.run(example())
    row = catalog.rows("coding_agent")[0]
    assert row.values["lines_added"] == 250
    assert row.values["status"] == "deployed"
    assert row.values["trust_score"] == pytest.approx(0.7 * 24 / 25 + 0.3 * 0.5)
    history = catalog.history("coding_agent", row.id)
    assert [version.values["status"] for version in history] == ["pending", "in_progress", "review", "deployed"]
    assert (stats["by_status"], stats["test_pass_rate"]) == ({"deployed": 1}, 0.96)


def test_the_example_of_an_agent_and_the_70_30_rule(catalog, clock):
    sub_agents_integration = SubAgentsIntegration(catalog)

    async def example():
        await sub_agents_integration.register_agent(
            agent_id="shard-analytics-01",
            agent_name="Analytics Shard",
            agent_type="shard",
            mission="Process analytics data",
            capabilities=["data_analysis", "reporting", "visualization"],
        )
        await sub_agents_integration.update_agent_status(
            agent_id="shard-analytics-01", status="active", current_task="generate_daily_report"
        )
        active = await sub_agents_integration.get_active_agents()
        first = await sub_agents_integration.log_task_completion(agent_id="shard-analytics-01", success=True)
        second = await sub_agents_integration.log_task_completion(agent_id="shard-analytics-01", success=False)
        clock.move(minutes=10)
        return active, first, second, await sub_agents_integration.get_fleet_stats()

    active, first, second, fleet = asyncio.run(example())
    assert [agent["current_task"] for agent in active] == ["generate_daily_report"]
    assert first["trust_score"] == pytest.approx(0.7 * 1.0 + 0.3 * 0.5)
    assert second["trust_score"] == pytest.approx(0.7 * 0.5 + 0.3 * 0.85)
    assert fleet["by_type"] == {"shard": 1}
    assert fleet["success_rate"] == 0.5
    assert fleet["silent"] == ["shard-analytics-01"]


def test_reports_of_what_is_not_there_and_of_what_cannot_be_are_refused(catalog):
    agents, orders = SubAgentsIntegration(catalog), CodingAgentIntegration(catalog)
    with pytest.raises(UsageError, match='sub_agents has no agent_id "ghost"'):
        asyncio.run(agents.heartbeat("ghost"))
    with pytest.raises(UsageError, match="did you mean"):
        asyncio.run(agents.register_agent("a", "A", agent_type="orchestartor"))
    asyncio.run(orders.create_work_order("WO-1", "T"))
    with pytest.raises(UsageError, match="of 2 tests, 3 cannot have passed"):
        asyncio.run(orders.log_test_results("WO-1", {"total": 2, "passed": 3}))
    assert catalog.rows("sub_agents") == []


def test_tasks_that_end_at_once_are_all_counted(catalog):
    agents = SubAgentsIntegration(catalog)

    async def fleet():
        await agents.register_agent("a", "A")
        await asyncio.gather(*(agents.log_task_completion("a", success=True) for _ in range(8)))

    asyncio.run(fleet())
    assert catalog.rows("sub_agents")[0].values["tasks_completed"] == 8
