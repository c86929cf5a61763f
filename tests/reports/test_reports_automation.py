"""The GitHub action's own lines, the pre-commit hooks' own entries and the crontab's, run by bash in a project."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


class Runner:
    """Runs the `run:` lines of a step as GitHub's bash would, with the inputs given and the rest's defaults."""

    def __init__(self, folder: Path, environment: dict[str, str], forked: Path) -> None:
        self.folder = folder
        self.outputs = folder.parent / "outputs"
        binaries = f"{forked.parent}:{Path(sys.executable).parent}"
        self.environment = {
            **environment,
            "PATH": f"{binaries}:{environment['PATH']}",
            "GITHUB_OUTPUT": str(self.outputs),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
        }

    def step(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        step = next(step for step in ACTION["runs"]["steps"] if step.get("name") == name)
        given = {key: str(meaning["default"]) for key, meaning in ACTION["inputs"].items()} | inputs
        values = {key: self._filled(value, given) for key, value in step["env"].items()}
        return self.bash(step["run"], values)

    def bash(self, script: str, values: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **(values or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def _filled(self, value: str, given: dict[str, str]) -> str:
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: given[match[1]], value)


@pytest.fixture
def runner(blank: Path, environment: dict[str, str], forked: Path) -> Runner:
    found = Runner(blank, environment, forked)
    assert found.bash("git init -q . && echo .trainer > .gitignore").returncode == 0
    return found


def test_the_action_fails_while_a_report_is_stale_and_passes_once_it_is_built(runner: Runner) -> None:
    codes = [
        runner.step("Reports").returncode,
        runner.step("Reports", command="build").returncode,
        runner.step("Reports").returncode,
    ]

    assert codes == [3, 0, 0]
    assert runner.outputs.read_text() == "changed=true\nchanged=true\n"


def test_the_action_says_whether_a_build_changed_what_is_committed(runner: Runner) -> None:
    runner.step("Reports", command="build")
    runner.bash("git add -A && git -c user.name=n -c user.email=e commit -qm reports")
    runner.outputs.unlink()

    runner.step("Reports", command="build")

    assert runner.outputs.read_text() == "changed=false\n"


def test_the_action_takes_names_and_a_project_elsewhere_and_runs_nothing_that_stands_in_them(runner: Runner) -> None:
    runner.bash("mkdir 'my reports' && mv config.yaml information 'my reports'")

    built = runner.step("Reports", command="build", project="my reports", reports=" overview ")
    evil = runner.step("Reports", command="build", project="my reports", reports="$(touch evil) `touch evil` --force")

    assert built.returncode == 0, built.stderr
    assert (runner.folder / "my reports/output/html/overview.html").exists()
    assert evil.returncode == 2
    assert not (runner.folder / "evil").exists()


def test_an_unknown_command_of_the_action_is_an_error(runner: Runner) -> None:
    done = runner.step("Reports", command="chekc")

    assert (done.returncode, done.stdout) == (2, '::error::command is "chekc"; known: build, check\n')


def test_no_input_of_the_action_is_pasted_into_a_script() -> None:
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]

    assert len(scripts) == 2
    assert [script for script in scripts if "${{" in script] == []


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({}, 0),
        ({"path": str(ROOT)}, 0),
        ({"version": "0.1.0"}, 0),
        ({"version": "999"}, 1),
        ({"path": "no-such-folder"}, 1),
    ],
)
def test_the_action_installs_a_version_or_a_folder(runner: Runner, inputs: dict[str, str], code: int) -> None:
    runner.environment |= {"PIP_DRY_RUN": "1", "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}

    done = runner.step("Install trainer-core", **inputs)

    assert done.returncode == code, done.stderr


def test_the_hook_of_reports_passes_only_when_nothing_is_stale(runner: Runner) -> None:
    entry = HOOKS["trainer-report-check"]["entry"]
    before = runner.bash(entry)
    runner.bash("trainer report")

    assert (before.returncode, runner.bash(entry).returncode) == (3, 0)


def test_the_hook_of_the_config_names_the_line_of_a_mistake(runner: Runner) -> None:
    entry = HOOKS["trainer-config-check"]["entry"]
    before = runner.bash(entry)
    config = runner.folder / "config.yaml"
    config.write_text(config.read_text() + "\nreprots: {}\n")

    after = runner.bash(entry)

    assert (before.returncode, after.returncode) == (0, 2)
    assert re.match(r'error: config.yaml:\d+:1: unknown .*"reprots"', after.stderr), after.stderr


@pytest.mark.parametrize(
    ("path", "hooks"),
    [
        ("config.yaml", {"trainer-report-check", "trainer-config-check"}),
        ("sub/information/context/a.md", {"trainer-report-check", "trainer-config-check"}),
        ("output/report/a.md", {"trainer-report-check"}),
        ("docs/a.md", set()),
    ],
)
def test_a_hook_runs_for_the_files_it_is_about(path: str, hooks: set[str]) -> None:
    assert {name for name, hook in HOOKS.items() if re.search(hook["files"], path)} == hooks


def test_the_line_for_cron_builds_and_commits_and_does_nothing_the_second_time(runner: Runner) -> None:
    page = (ROOT / "docs/how-to/run-in-ci.md").read_text()
    line = next(line for line in page.splitlines() if line.startswith("15 6 * * 1-5"))
    command = line.split(None, 5)[5].replace("/srv/reports", str(runner.folder))
    identity = "git config user.name n && git config user.email e"
    remote = "git init -q --bare ../remote && git remote add origin ../remote && git config push.default current"
    runner.bash(f"{identity} && {remote} && git add -A && git commit -qm first")

    first, second = (runner.bash(f"sh -c {shlex.quote(command)}") for _ in range(2))

    assert (first.returncode, first.stderr, second.returncode) == (0, "", 0), (first, second)
    log = runner.bash("git log --format=%s origin/HEAD || git --git-dir ../remote log --all --format=%s").stdout
    assert log.splitlines().count("Reports of the day") == 1
