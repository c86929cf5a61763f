"""What model, records and machine say of themselves, and the choices that follow: how to work, never what comes out.

Nothing here is asked where a flag or a setting decides, or where there is too little to do for a choice to matter.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.actions.model import ModelChoice
from trainer.core.clock import Clock, system_clock
from trainer.core.project import Project
from trainer.core.values import Json

if TYPE_CHECKING:
    from trainer.sources import Choice, SeveralSources

CALLS = "calls"
"""The operation under which a command records how its calls of a model went."""
_RECORDS = 20
"""Records of calls that are looked at, the newest first."""
WORKER_MEMORY = 200_000_000
"""Bytes of one process that converts or prints: WeasyPrint with its fonts takes 150 MB for pages of usual length."""
_TIMEOUT = 15.0
"""Seconds after which a command goes on without what a contextual source would say: a database others hold for long."""


def survey(project: Project, choice: ModelChoice, *, clock: Clock = system_clock) -> SeveralSources:
    """All five contextual sources, with their aggregation and the plan that they advise."""
    from trainer.sources import fetch_functions

    return fetch_functions(contextual_sources(project, choice, clock=clock), timeout=_TIMEOUT, clock=clock)


def contextual_sources(
    project: Project, choice: ModelChoice, *, clock: Clock = system_clock
) -> dict[str, Callable[[], Mapping[str, Json]]]:
    """The five sources by name; nothing is read before one is called."""
    return {
        "model_config": lambda: model_config(choice),
        "tokenizer": lambda: tokenizer(choice),
        "performance": lambda: performance(project, choice, clock=clock),
        "processing_state": lambda: processing_state(project),
        "resources": lambda: resources(project),
    }


def plan_calls(
    project: Project, choice: ModelChoice, calls: int, *, flag: int | None, clock: Clock = system_clock
) -> Choice:
    """How many of so many calls of a model are under way at once; the records are read only where it matters."""
    from trainer.sources import Choice, fetch_functions, plan_concurrency
    from trainer.sources.plans import USUAL_CALLS

    configured = project.settings.llm_provider.concurrency
    if flag is not None:
        return plan_concurrency({}, {}, calls=calls, chosen=Choice(flag, "--concurrency", "flag"))
    if configured is not None:
        return plan_concurrency({}, {}, calls=calls, chosen=Choice(configured, "llm_provider.concurrency", "setting"))
    if calls <= USUAL_CALLS or not _asks_model(choice):
        return plan_concurrency({}, {}, calls=min(calls, USUAL_CALLS))
    facts: Mapping[str, Callable[[], Mapping[str, Json]]] = {
        "performance": lambda: performance(project, choice, clock=clock)
    }
    several = fetch_functions(facts, timeout=_TIMEOUT, clock=clock)
    for reason in several.aggregation.gaps.values():
        return Choice(USUAL_CALLS, f"the records cannot be read: {reason}", "default")
    return plan_concurrency(several.facts("performance"), rates(project), calls=calls)


def plan_processes(project: Project | None, items: int, *, memory: int = WORKER_MEMORY) -> Choice:
    """How many of so many items are worked on side by side, each of which takes up to `memory` bytes."""
    from trainer.sources import plan_workers

    state = {"in_flight": in_flight(project)} if project else {}
    return plan_workers(
        {"max_concurrent_processes": cores(), "memory_bytes": free_memory()}, state, items=items, memory=memory
    )


def model_config(choice: ModelChoice) -> Mapping[str, Json]:
    """The model's name, window, longest answer and prices in US dollars a million tokens; None where not known."""
    described = choice.described
    price = described.price if described else None
    return {
        "model_name": choice.model,
        "provider": choice.provider,
        "max_model_len": described.context_window if described else None,
        "max_output": choice.section.max_tokens or (price.max_output if price else None),
        "reserved_output": choice.section.max_tokens,
        "vocab_size": None,  # no service tells the next three, and no choice needs them
        "hidden_size": None,
        "dtype": None,
        "price_input": round(price.input * 1e6, 6) if price else None,
        "price_output": round(price.output * 1e6, 6) if price else None,
    }


def tokenizer(choice: ModelChoice) -> Mapping[str, Json]:
    """How this model's tokens are counted."""
    from trainer.prompts import is_exact
    from trainer.prompts.tokens import encoding_of

    return {
        "tokenizer_available": True,
        "engine_type": encoding_of(choice.model),
        "has_encode_method": False,  # tokens are counted, and nobody needs their numbers
        "has_decode_method": False,
        "exact": is_exact(choice.model),
    }


def performance(project: Project, choice: ModelChoice, *, clock: Clock = system_clock) -> Mapping[str, Json]:
    """How the last calls of this model went, as their commands recorded it."""
    from trainer.actions.mart import list_executions

    records = list_executions(project, operation=CALLS, limit=_RECORDS, clock=clock)
    model = f"{choice.provider}/{choice.model}"
    own = [record for record in records if (record.context or {}).get("model") == model and record.results]
    last = next((record.context["concurrency"] for record in own), None)
    # what was recorded at another concurrency says nothing of this one
    counted = [record.results for record in own if record.context["concurrency"] == last]
    total = sum(results["requests"] for results in counted)
    seconds = sum(results["seconds_under_way"] for results in counted)
    ended = [record.ended_at for record in own if record.ended_at]
    return {
        "total_requests": total,
        "concurrent_requests": last,
        "error_count": sum(results["failed"] for results in counted),
        "refused_requests": sum(results["refused"] for results in counted),
        "mean_seconds": seconds / total if total else None,
        "last_sync_time": max(ended).timestamp() if ended else None,
        "engine_ready": not (counted and counted[0]["requests"] == counted[0]["failed"] > 0),
    }


def processing_state(project: Project) -> Mapping[str, Json]:
    """What is kept, what waits, and how many other processes work on this project now."""
    from trainer.mart import backlog

    caches = {name: _files(project.cache / folder) for name, folder in _CACHES.items()}
    return {
        **caches,
        "batch_manager_active": any((project.state / "batches").glob("*.jsonl")),
        "concurrency_manager_active": True,
        "backlog": backlog(project.spool).segments,
        "in_flight": in_flight(project),
    }


_CACHES = {"membrane_cache_size": "completions", "esn_cache_size": "prompts", "bseries_cache_size": "http"}
"""The specification's names of three caches: of completions, of prompts, and of what sources answered."""


def in_flight(project: Project) -> int:
    """How many other processes run a command of this project now."""
    from trainer.mart import writers

    return len(writers(project.spool) - {os.getpid()})


def resources(project: Project | None) -> Mapping[str, Json]:
    """Cores, memory, disk, load and the rates that are allowed; None for what this system does not tell."""
    load: dict[str, float] = {}
    with contextlib.suppress(OSError):
        load = dict(zip(("1m", "5m", "15m"), os.getloadavg(), strict=True))
    folder = project.root if project else Path()
    return {
        "max_concurrent_processes": cores(),
        "current_processing_load": load,
        "available_membranes": ["threads", "processes"],
        "echo_kern_available": False,
        "memory_bytes": free_memory(),
        "disk_bytes": shutil.disk_usage(folder).free,
        **(rates(project) if project else {}),
    }


def rates(project: Project) -> Mapping[str, Json]:
    """The most requests and tokens a minute that the settings allow."""
    section = project.settings.llm_provider
    return {"requests_per_minute": section.requests_per_minute, "tokens_per_minute": section.tokens_per_minute}


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux alone has it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory(system: Path = Path("/")) -> int | None:
    """Bytes of memory that can be had, by the machine's or the container's limit; None where neither is told."""
    limits = []
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = (system / "proc/meminfo").read_text().splitlines()
        limits.append(1024 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]))
    with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
        group = system / "sys/fs/cgroup"
        limits.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    return max(0, min(limits)) if limits else None


def _asks_model(choice: ModelChoice) -> bool:
    described = choice.described
    return described is None or described.asks_model


def _files(folder: Path) -> int:
    """How many files lie in the folder and those right below it."""
    count = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                with os.scandir(entry) as below:
                    count += sum(1 for _ in below)
            else:
                count += 1
    return count
