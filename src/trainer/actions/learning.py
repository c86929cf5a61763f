"""What a project's records teach: where it is kept, which configuration runs next, and who runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.core.errors import ConfigError
from trainer.core.project import Project

if TYPE_CHECKING:
    from trainer.mart import ConfigDecision, LearnedFiles, PolicyFiles, TidyMartConfigProvider

MODULE = "trainer"
"""The module of our own operations."""
_CI_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR", "CIRCLE_USERNAME")


def learned_files(project: Project) -> LearnedFiles:
    """Where what was learned is published."""
    from trainer.mart import LearnedFiles, Weights  # what learns is needed by those who drain or choose alone

    utility = project.settings.mart.utility
    return LearnedFiles(project.state / "mart", Weights(utility.cost, utility.seconds))


def policy_files(project: Project) -> PolicyFiles:
    """The approved and proposed changes of configuration, for git."""
    from trainer.mart import PolicyFiles  # as above

    return PolicyFiles(project.information / "policies")


def config_provider(
    project: Project, *, register: Callable[[str, Mapping[str, Any], Mapping[str, Any]], None] = lambda *_: None
) -> TidyMartConfigProvider:
    """What answers which configuration runs next. Raises ConfigError for a policy file that is none."""
    from trainer.mart import Exploration, TidyMartConfigProvider  # as above

    section = project.settings.mart
    explore = section.explore
    share = explore.share if explore.enabled else 0.0
    return TidyMartConfigProvider(
        learned_files(project),
        candidates=section.candidates,
        policies=policy_files(project).read(),
        exploration=Exploration(share, explore.quality_floor, explore.spend),
        seed=explore.seed,
        register=register,
    )


def decide(
    project: Project, operation: str, context: Mapping[str, Any], *, explore: bool = True
) -> ConfigDecision | None:
    """Which of the declared candidates runs now; None where the settings declare none and no policy is in force."""
    section = project.settings.mart
    declared = section.candidates.get(operation) or section.candidates.get(f"{MODULE}.{operation}")
    folder = project.information / "policies"
    if not section.enabled or not (declared or folder.is_dir()):
        return None
    decision = config_provider(project).decide(MODULE, operation, context, explore=explore)
    if not declared and decision.policy not in ("active", "canary"):
        return None
    for name in decision.config:
        if name in ("api_key", "api_base"):
            raise ConfigError(f"mart.candidates.{operation}: {name} is no setting to try", hint="name models instead")
    return decision


def identity(project: Project, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Who runs and for whom: by the settings, else CI's actor, the e-mail address git knows, or the user's name."""
    section = project.settings.mart
    actor = section.actor or next((environ[name] for name in _CI_ACTORS if environ.get(name)), "")
    actor = actor or _git_email(project.root) or environ.get("USER") or environ.get("LOGNAME") or ""
    values = {"actor": actor, "department": section.department or ""}
    return {name: value for name, value in values.items() if value}


def _git_email(root: Path) -> str:
    """`user.email` of the repository or the user, read from git's files: a process of git would cost 5 ms a command."""
    if not (root / ".git").exists():
        return ""
    import configparser  # outside of a repository nobody needs it

    for path in (root / ".git" / "config", Path.home() / ".gitconfig"):
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
        try:
            parser.read_string("\n".join(line.strip() for line in path.read_text(encoding="utf-8").splitlines()))
            email = parser.get("user", "email", fallback="")
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue
        if email:
            return email.strip('"')
    return ""
