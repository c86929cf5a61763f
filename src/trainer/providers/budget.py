"""Budgets as reservations: the most a call can cost is set aside before it is sent, and settled by what it did cost.

The ledger is one append-only file that every process of the project locks, reads on and appends to. Each line is
on the disk before its call is sent. A process that died is told by its own lock, which the system has released:
what it had set aside but not settled counts as spent, for nobody can know whether the provider has billed it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from trainer.core.appendlog import AppendLog, LockedLog, is_held, parse_records, try_lock
from trainer.core.clock import Clock, isoformat, system_clock
from trainer.core.errors import BudgetError, TrainerError, Where
from trainer.core.values import Json

_HINT = "free some space or make the folder writable; nothing was sent"
_TOLERANCE = 1e-9
"""US dollars; less than any token costs, more than sums of floats are off."""


Window = Literal["day", "week", "month", "ever"]


@dataclass(frozen=True, slots=True)
class ScopedLimit:
    """The most that a department, a user or a model may cost in a window, all UTC; None of a name means any."""

    usd: float
    window: Window = "month"
    department: str | None = None
    user: str | None = None
    model: str | None = None

    def __str__(self) -> str:
        names = {"department": self.department, "user": self.user, "model": self.model}
        scope = ", ".join(f"{name} {value}" for name, value in names.items() if value is not None)
        return f"{scope or 'all'} {'ever' if self.window == 'ever' else f'this {self.window}'}"

    def concerns(self, labels: Mapping[str, str]) -> bool:
        """Whether a call with these labels counts."""
        names = {"department": self.department, "user": self.user, "model": self.model}
        return all(value is None or labels.get(name) == value for name, value in names.items())

    def period(self, at: str) -> str:
        """What names the window that a moment in ISO form lies in."""
        if self.window == "week":
            year, week, _ = date.fromisoformat(at[:10]).isocalendar()
            return f"{year}-W{week:02d}"
        return at[: {"day": 10, "month": 7, "ever": 0}[self.window]]

    def ends(self, at: str) -> date | None:
        """The first day of the next window; None where there is none."""
        day = date.fromisoformat(at[:10])
        if self.window == "ever":
            return None
        if self.window == "month":
            return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        return day + timedelta(days=1 if self.window == "day" else 7 - day.weekday())


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be spent, in US dollars; None is no limit."""

    run: float | None = None
    """In this run of the program (`--max-cost`)."""
    project: float | None = None
    """In this project, ever."""
    month: float | None = None
    """In this project in a calendar month, UTC."""
    scoped: tuple[ScopedLimit, ...] = ()
    """Of departments, users and models."""

    def __bool__(self) -> bool:
        return bool(self.scoped) or any(limit is not None for limit in (self.run, self.project, self.month))


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one call."""

    identity: str
    amount: float


@dataclass(frozen=True, slots=True)
class Spend:
    """What a budget's windows hold now."""

    run: float = 0.0
    project: float = 0.0
    month: float = 0.0
    reserved: float = 0.0
    """Set aside by living processes and not settled yet; part of the three above."""


@dataclass(slots=True)
class _Entry:
    amount: float
    run: str
    month: str
    owner: str
    at: str
    labels: Mapping[str, str]


@dataclass(slots=True)
class Account:
    """What the lines of a ledger come to."""

    scoped: tuple[ScopedLimit, ...] = ()
    """Limits whose windows are summed up, too."""

    entries: dict[str, _Entry] = field(default_factory=dict)
    """The open ones by identity; settled ones are in the totals."""
    project: float = 0.0
    runs: dict[str, float] = field(default_factory=dict)
    months: dict[str, float] = field(default_factory=dict)
    periods: dict[tuple[int, str], float] = field(default_factory=dict)
    """By the place of a scoped limit and the name of its window."""

    def take(self, line: Mapping[str, Json]) -> None:
        """Apply one line: `reserve` sets money aside, `settle` replaces it by what was spent."""
        identity, amount = str(line["id"]), float(line["usd"])
        if line["do"] == "reserve":
            at = str(line["at"])
            labels = {name: str(line[name]) for name in ("department", "user") if line.get(name)}
            labels["model"] = str(line.get("what", ""))
            entry = _Entry(amount, str(line["run"]), at[:7], str(line["owner"]), at, labels)
            self.entries[identity] = entry
            self._add(entry, amount)
        elif identity in self.entries:
            entry = self.entries.pop(identity)
            self._add(entry, amount - entry.amount)

    def spend(self, run: str, month: str) -> Spend:
        """What the windows hold, open reservations counted in full."""
        reserved = sum(entry.amount for entry in self.entries.values())
        return Spend(self.runs.get(run, 0.0), self.project, self.months.get(month, 0.0), reserved)

    def _add(self, entry: _Entry, amount: float) -> None:
        self.project += amount
        self.runs[entry.run] = self.runs.get(entry.run, 0.0) + amount
        self.months[entry.month] = self.months.get(entry.month, 0.0) + amount
        for place, limit in enumerate(self.scoped):
            if limit.concerns(entry.labels):
                key = place, limit.period(entry.at)
                self.periods[key] = self.periods.get(key, 0.0) + amount


class Budget:
    """The ledger of one project as one run uses it; open from the first reservation until `close`."""

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        *,
        run: str = "",
        clock: Clock = system_clock,
        sync: Callable[[int], None] = os.fsync,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.limits = limits
        self.run = run or uuid.uuid4().hex
        self._clock = clock
        self._ledger = AppendLog(folder / "ledger.jsonl", sync=sync, hint=_HINT)
        self._labels = dict(labels or {})
        """Department and user of this run's calls."""
        self._account = Account(limits.scoped)
        self._offset = 0
        self._owner = ""
        self._life: int | None = None
        self._opening = threading.Lock()

    def reserve(self, amount: float | None, *, what: str) -> Reservation | None:
        """Set `amount` aside for a call of `what`; None where others' open reservations must be settled first.

        Raises BudgetError where the amount cannot fit whatever they come to, or where it is not known.
        """
        if amount is None:
            raise BudgetError(
                f"the price of {what} is not known, so a budget cannot be kept",
                hint=f"set llm_provider.prices: {{{what}: {{input: …, output: …}}}} (US dollars for a million tokens)",
            )
        with self._locked() as log:
            moment = isoformat(self._clock())
            self._settle_dead(log)
            if self._exceeded(amount, moment, what, counting_reserved=True):
                self._refuse_if_final(amount, moment, what)
                return None
            reservation = Reservation(uuid.uuid4().hex, amount)
            line = {"do": "reserve", "id": reservation.identity, "usd": amount, "run": self.run, "at": moment}
            self._append(log, line | {"owner": self._owner, "what": what, **self._labels})
            return reservation

    def settle(self, reservation: Reservation, cost: float) -> None:
        """Replace a reservation by what the call did cost; 0 releases it."""
        with self._locked() as log:
            self._append(log, {"do": "settle", "id": reservation.identity, "usd": cost})

    def spend(self) -> Spend:
        """What the windows hold now."""
        with self._locked() as log:
            self._settle_dead(log)
            return self._account.spend(self.run, isoformat(self._clock())[:7])

    def close(self) -> None:
        """Let others see that this process holds nothing any more."""
        if self._life is not None:
            os.close(self._life)
            self._life = None
            (self.folder / f"{self._owner}.alive").unlink(missing_ok=True)

    def scoped_spend(self) -> list[tuple[ScopedLimit, float]]:
        """What each scoped limit's window holds now, open reservations counted in full."""
        with self._locked() as log:
            self._settle_dead(log)
            moment = isoformat(self._clock())
            periods = self._account.periods
            return [
                (limit, periods.get((place, limit.period(moment)), 0.0))
                for place, limit in enumerate(self.limits.scoped)
            ]

    def _exceeded(
        self, amount: float, moment: str, what: str, *, counting_reserved: bool
    ) -> tuple[str | ScopedLimit, float, float] | None:
        """The first window that `amount` does not fit: its name, limit and spend."""
        now = self._account.spend(self.run, moment[:7])
        for name in ("run", "project", "month"):
            limit, spent = getattr(self.limits, name), getattr(now, name)
            if not counting_reserved:
                spent -= self._open(name, moment[:7])
            if limit is not None and spent + amount > limit + _TOLERANCE:
                return name, limit, spent
        for place, scoped in enumerate(self.limits.scoped):
            if not scoped.concerns({**self._labels, "model": what}):
                continue
            period = scoped.period(moment)
            spent = self._account.periods.get((place, period), 0.0)
            if not counting_reserved:
                entries = self._account.entries.values()
                spent -= sum(
                    entry.amount
                    for entry in entries
                    if scoped.concerns(entry.labels) and scoped.period(entry.at) == period
                )
            if spent + amount > scoped.usd + _TOLERANCE:
                return scoped, scoped.usd, spent
        return None

    def _open(self, window: str, month: str) -> float:
        """What open reservations take of a window."""
        return sum(
            entry.amount
            for entry in self._account.entries.values()
            if window == "project" or (entry.run == self.run if window == "run" else entry.month == month)
        )

    def _refuse_if_final(self, amount: float, moment: str, what: str) -> None:
        excess = self._exceeded(amount, moment, what, counting_reserved=False)
        if excess is None:
            return
        name, limit, spent = excess
        setting, window, later = f"budget.{name}", f"this {name}", ""
        if isinstance(name, ScopedLimit):
            setting, window, ends = "budget.limits", str(name), name.ends(moment)
            later = f", or wait until {ends}" if ends else ""
        elif name == "run":
            setting = "--max-cost or budget.run"
        raise BudgetError(
            f"the budget of {window} would be exceeded: {spent:.4f} of {limit:.4f} USD is spent, "
            f"and {what} may cost {amount:.4f} USD",
            hint=f"raise {setting}, lower max_tokens, or use a cheaper model{later}",
        )

    def _settle_dead(self, log: LockedLog) -> None:
        """Count what dead processes had set aside as spent."""
        owners = {entry.owner for entry in self._account.entries.values()} - {self._owner}
        dead = {owner for owner in owners if not _is_alive(self.folder / f"{owner}.alive")}
        for identity, entry in list(self._account.entries.items()):
            if entry.owner in dead:
                self._append(log, {"do": "settle", "id": identity, "usd": entry.amount, "died": True})

    @contextlib.contextmanager
    def _locked(self) -> Iterator[LockedLog]:
        """The ledger under its lock, read up to its end."""
        self._open_life()
        with self._ledger.locked() as log:
            lines, self._offset = log.read(self._offset)
            for record in parse_records(lines):
                with contextlib.suppress(KeyError, TypeError, ValueError):
                    self._account.take(record)
            yield log

    def _append(self, log: LockedLog, record: dict[str, Json]) -> None:
        self._offset = log.append(record)
        self._account.take(record)

    def _open_life(self) -> None:
        """Hold a lock that ends with this process, however it ends."""
        with self._opening:
            if self._life is not None:
                return
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._owner = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
                life = os.open(self.folder / f"{self._owner}.alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                where = Where(str(self.folder))
                raise TrainerError(f"cannot write: {error.strerror or error}", where=where, hint=_HINT) from error
            try_lock(life)
            self._life = life


def _is_alive(path: Path) -> bool:
    if is_held(path):
        return True
    path.unlink(missing_ok=True)
    return False
