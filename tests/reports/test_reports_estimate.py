"""A build is priced beforehand, report by report, and stays within the range."""

import json
from pathlib import Path

from servers.openai import Reply, openai_server

PRICES = "llm_provider.prices={m: {input: 10, output: 30}}"


def model(url: str, *settings: str) -> list[str]:
    values = [
        "llm_provider.provider=openai_compatible",
        "llm_provider.model=m",
        f"llm_provider.api_base={url}",
        "llm_provider.max_tokens=1000",
        PRICES,
        *settings,
    ]
    return [part for value in values for part in ("--set", value)]


def test_a_build_costs_no_more_and_no_less_than_was_said(blank: Path, run) -> None:
    with openai_server(lambda server, seen: Reply(content="## Summary\n\nAll is well.\n", usage=False)) as server:
        for settings in ((), ("checks.policy=repair",), ("checks.opinion=true", "checks.policy=repair")):
            flags = model(server.url, *settings)
            estimate = json.loads(run(blank, *flags, "report", "--dry-run", "--json").stdout)
            sent = len(server.requests)
            built = json.loads(run(blank, *flags, "report", "--force", "--json").stdout)

            cost = sum(report["cost"] for report in built)
            assert len(server.requests) > sent
            assert estimate["cost"] <= cost + 1e-9 <= estimate["cost_at_most"] + 1e-9
            assert [report["name"] for report in estimate["reports"]] == ["overview"]
            (blank / ".trainer/cache/completions").rename(blank / f"gone-{sent}")


def test_nothing_is_sent_and_nothing_written_to_price_a_build(blank: Path, run) -> None:
    with openai_server() as server:
        done = run(blank, *model(server.url), "report", "--dry-run")

        assert done.returncode == 0, done.stderr
        assert server.requests == []
    assert "at most" in done.stdout
    assert not (blank / "output").exists()


def test_what_is_current_costs_nothing(blank: Path, run) -> None:
    run(blank, "report")

    estimate = json.loads(run(blank, "report", "--dry-run", "--json").stdout)

    assert estimate.pop("plan")
    assert estimate == {
        "reports": [],
        "tokens": 0,
        "cost": 0,
        "expected": [0, 0],
        "cost_at_most": 0,
    }


def test_an_answer_that_is_kept_already_costs_nothing(blank: Path, run) -> None:
    with openai_server(lambda server, seen: Reply(content="## Summary\n\nAll is well.\n", usage=False)) as server:
        run(blank, *model(server.url), "report")
        estimate = json.loads(run(blank, *model(server.url), "report", "--force", "--dry-run", "--json").stdout)

    assert (estimate["reports"][0]["cached"], estimate["cost_at_most"]) == (True, 0)


def test_the_expected_range_is_known_once_the_model_has_built_the_report(blank: Path, run) -> None:
    words = "All is well. " * 40
    with openai_server(lambda server, seen: Reply(content=f"## Summary\n\n{words}\n", usage=False)) as server:
        first = json.loads(run(blank, *model(server.url), "report", "--dry-run", "--json").stdout)
        (built,) = json.loads(run(blank, *model(server.url), "report", "--json").stdout)
        (blank / ".trainer/cache/completions").rename(blank / "gone")
        flags = model(server.url, "llm_provider.max_tokens=1001")
        second = json.loads(run(blank, *flags, "report", "--dry-run", "--json").stdout)

    assert first["expected"] is None
    low, high = second["expected"]
    assert second["cost"] <= low <= built["cost"] <= high <= second["cost_at_most"]
    assert high <= 3 * low


def test_a_report_that_is_refused_tells_what_its_answer_cost(blank: Path, run) -> None:
    with openai_server(lambda server, seen: Reply(content="Revenue was 123456.\n", usage=False)) as server:
        flags = model(server.url, "checks.policy=block")
        done = run(blank, *flags, "report", "--json")

    (report,) = json.loads(done.stdout)
    assert report["status"] == "refused"
    assert report["cost"] > 0


def test_a_strategy_whose_first_step_is_kept_is_priced_from_the_next(blank: Path, run) -> None:
    instruction = blank / "information/instructions/overview.md"
    instruction.write_text(instruction.read_text().replace("---\n", "---\nstrategy: sequential\n", 1))
    with openai_server(lambda server, seen: Reply(content="All is well.\n", usage=False)) as server:
        whole = json.loads(run(blank, *model(server.url), "report", "--dry-run", "--json").stdout)
        cut = Reply(content="All", finish="length", usage=False)
        server.script = lambda server, seen: cut if len(server.requests) > 1 else Reply(content="Well.", usage=False)
        (failed,) = json.loads(run(blank, *model(server.url), "report", "--json").stdout)
        rest = json.loads(run(blank, *model(server.url), "report", "--dry-run", "--json").stdout)

    assert (failed["status"], len(server.requests)) == ("failed", 2)
    assert failed["cost"] > 1.5 * whole["cost"] / 3
    assert rest["cost"] < 0.75 * whole["cost"]
