"""Eight processes in one project: no error, no lost write."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROCESSES = 8
PUTS = 4


def test_eight_processes_put_and_report_at_once(blank: Path, run) -> None:
    def succeed(*arguments: str, stdin: str = "") -> None:
        done = run(blank, *arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr

    def work(number: int) -> None:
        for turn in range(PUTS):
            succeed("store", "put", f"own:{number}:{turn}", "-", stdin=f'{{"n": {turn}}}')
            succeed("store", "put", "shared", "-", stdin=f'{{"by": "{number}-{turn}"}}')
            if turn % 3 == 0:
                succeed("report", "--force")

    with ThreadPoolExecutor(PROCESSES) as pool:
        list(pool.map(work, range(PROCESSES)))

    assert run(blank, "store", "count", "key~^own:").stdout.strip() == str(PROCESSES * PUTS)
    history = run(blank, "store", "history", "shared", "--json")
    assert history.stdout.count('"by"') == PROCESSES * PUTS
    assert run(blank, "report", "--check").returncode == 0
