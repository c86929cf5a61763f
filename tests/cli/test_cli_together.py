"""Eight processes in one project: no error, no lost write."""

import subprocess
import sys
from pathlib import Path

PROCESSES = 8
PUTS = 4

_WORK = """
import subprocess, sys
trainer, number, puts = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for round in range(puts):
    subprocess.run([trainer, "store", "put", f"own:{number}:{round}", "-"], input=b'{"n": %d}' % round, check=True)
    subprocess.run([trainer, "store", "put", "shared", "-"], input=b'{"by": "%d-%d"}' % (number, round), check=True)
    if round % 3 == 0:
        subprocess.run([trainer, "report", "--force"], check=True)
"""


def test_eight_processes_put_and_report_at_once(blank: Path, environment: dict[str, str], trainer: Path, run) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _WORK, str(trainer), str(number), str(PUTS)],
            cwd=blank,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    said = [process.communicate(timeout=240)[1] for process in processes]

    assert [process.returncode for process in processes] == [0] * PROCESSES, "\n".join(said)
    assert run(blank, "store", "count", "key~^own:").stdout.strip() == str(PROCESSES * PUTS)
    history = run(blank, "store", "history", "shared", "--json")
    assert history.stdout.count('"by"') == PROCESSES * PUTS
    assert run(blank, "report", "--check").returncode == 0
