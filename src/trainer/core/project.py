"""A user's tree: its root is the nearest folder upwards that holds a `config.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.core.config import Config, Settings, load_config
from trainer.core.errors import ConfigError, UsageError, Where

CONFIG_NAME = "config.yaml"


@dataclass(frozen=True, slots=True)
class Project:
    """A project's root, its settings, and where everything lies."""

    root: Path
    config: Config

    @property
    def settings(self) -> Settings:
        """The effective settings."""
        return self.config.settings

    @property
    def contexts(self) -> Path:
        """The folder of the contexts."""
        return self.root / self.settings.prompt_manager.context_dir

    @property
    def instructions(self) -> Path:
        """The folder of the instructions."""
        return self.root / self.settings.prompt_manager.instruction_dir

    @property
    def information(self) -> Path:
        """The folder of all that people write."""
        return self.root / "information"

    @property
    def cassettes(self) -> Path:
        """The folder of recorded completions."""
        return self.information / "cassettes"

    @property
    def output(self) -> Path:
        """The folder of all that is written for git."""
        return self.inside(self.settings.site.folder, what="site.folder")

    @property
    def state(self) -> Path:
        """The folder of all that git ignores."""
        return self.root / ".trainer"

    @property
    def cache(self) -> Path:
        """The folder of content-addressed completions and prompts."""
        return self.state / "cache"

    @property
    def spool(self) -> Path:
        """The folder of records that wait for the database."""
        return self.state / "spool"

    def shown(self, path: Path) -> str:
        """The path as a user would type it from the root, with `/`."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    def inside(self, relative: str, *, what: str) -> Path:
        """The path of a file that must lie inside the project; raises ConfigError where it would not."""
        path = (self.root / relative).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise ConfigError(f"{what} lies outside the project: {relative}", hint="keep it below the project's root")
        return path


def find_root(start: Path, *, explicit: str | None = None, environ: Mapping[str, str]) -> Path:
    """The project's root: `explicit`, else TRAINER_PROJECT, else the nearest folder upwards with a config.yaml."""
    named = explicit or environ.get("TRAINER_PROJECT")
    if named:
        root = Path(named).expanduser().resolve()
        if not (root / CONFIG_NAME).is_file():
            raise UsageError(
                "the project has no config.yaml", where=Where(str(root)), hint=f"run: trainer init {named}"
            )
        return root
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / CONFIG_NAME).is_file():
            return folder
    raise UsageError(
        f"no config.yaml in {start.resolve()} or above it",
        hint="go to your project, name it with --project DIR, or start one: trainer init --example biotech",
    )


def open_project(
    start: Path,
    *,
    explicit: str | None = None,
    environ: Mapping[str, str],
    overrides: Sequence[str] = (),
    target: str | None = None,
) -> Project:
    """The project around `start`, its settings read and checked; nothing is created."""
    root = find_root(start, explicit=explicit, environ=environ)
    return Project(root, load_config(root / CONFIG_NAME, environ=environ, overrides=overrides, target=target))
