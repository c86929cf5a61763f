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

    assert json.loads(run(blank, "report", "--dry-run", "--json").stdout) == {
        "reports": [],
        "tokens": 0,
        "cost": 0,
        "cost_at_most": 0,
    }


def test_an_answer_that_is_kept_already_costs_nothing(blank: Path, run) -> None:
    with openai_server(lambda server, seen: Reply(content="## Summary\n\nAll is well.\n", usage=False)) as server:
        run(blank, *model(server.url), "report")
        estimate = json.loads(run(blank, *model(server.url), "report", "--force", "--dry-run", "--json").stdout)

    assert (estimate["reports"][0]["cached"], estimate["cost_at_most"]) == (True, 0)
