"""A change of configuration as a file that people read, approve and take back: never made by the records alone.

`information/policies/NAME.yaml`. Its `state` goes proposed, shadow, canary, active; and back to retired at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import yaml

from trainer.core.errors import ConfigError, UsageError, Where, unknown
from trainer.core.files import read_text, write_atomic
from trainer.core.yamltext import load_yaml

PolicyState = Literal["proposed", "shadow", "canary", "active", "retired"]
_NEXT: Mapping[str, PolicyState] = {"proposed": "shadow", "shadow": "canary", "canary": "active"}


@dataclass(frozen=True, slots=True)
class Policy:
    """One configuration for one operation, and how far it has come."""

    name: str
    module: str
    operation: str
    config: Mapping[str, Any]
    state: PolicyState = "proposed"
    """proposed: only a file. shadow: records what it would have run. canary: a tenth of the runs. active: approved."""
    context: str = ""
    """The context key it is for; empty for all."""
    replaces: Mapping[str, Any] = field(default_factory=dict)
    """The configuration that was approved when it was proposed."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What the records said when it was proposed."""

    def concerns(self, module: str, operation: str, context: str) -> bool:
        """Whether it is about such an execution at all."""
        return (
            self.state not in ("proposed", "retired")
            and (self.module, self.operation) == (module, operation)
            and (self.context in ("", context))
        )


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """The policies of a project, one file each."""

    folder: Path

    def read(self) -> list[Policy]:
        """All policies, those for one context before those for all. Raises ConfigError for a file that is none."""
        paths = sorted(self.folder.glob("*.yaml")) if self.folder.is_dir() else []
        return sorted((self._read(path) for path in paths), key=lambda policy: (policy.context == "", policy.name))

    def get(self, name: str) -> Policy:
        """The policy of that name; raises UsageError naming the nearest."""
        policies = {policy.name: policy for policy in self.read()}
        if name not in policies:
            message, hint = unknown("policy", name, list(policies))
            raise UsageError(message, hint=hint if policies else "propose one: trainer mart recommend --write")
        return policies[name]

    def write(self, policy: Policy) -> Path:
        """Write its file; the same policy gives the same bytes."""
        path = self.folder / f"{policy.name}.yaml"
        value = {name: value for name, value in msgspec.to_builtins(policy).items() if name != "name"}
        write_atomic(path, yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110))
        return path

    def advance(self, name: str) -> Policy:
        """The policy one state further. Raises UsageError where there is none, or another is there for the same."""
        policy = self.get(name)
        if policy.state not in _NEXT:
            hint = "propose it again: trainer mart recommend --write"
            raise UsageError(f"the policy {name} is {policy.state}, and nothing comes after it", hint=hint)
        further = replace(policy, state=_NEXT[policy.state])
        for other in self.read():
            same = (other.module, other.operation, other.context) == (policy.module, policy.operation, policy.context)
            if same and other.name != name and other.state == "active" == further.state:
                self.write(replace(other, state="retired"))
        self.write(further)
        return further

    def retire(self, name: str) -> Policy:
        """The policy out of use at once; what was approved before holds again."""
        policy = replace(self.get(name), state="retired")
        self.write(policy)
        return policy

    def _read(self, path: Path) -> Policy:
        value = load_yaml(read_text(path), shown=str(path)).value
        where = Where(str(path))
        if not isinstance(value, dict):
            raise ConfigError("a policy is a mapping", where=where)
        for name in value:
            if name not in _FIELDS:
                message, hint = unknown("key", str(name), _FIELDS)
                raise ConfigError(message, where=where, hint=hint)
        try:
            return msgspec.convert({**value, "name": path.stem}, Policy)
        except msgspec.ValidationError as error:
            states = ", ".join(get_args(PolicyState))
            raise ConfigError(f"{error}", where=where, hint=f"state is one of {states}") from None


_FIELDS: Sequence[str] = tuple(name for name in Policy.__dataclass_fields__ if name != "name")
