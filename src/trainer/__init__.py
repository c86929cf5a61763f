"""Reports a language model helps to write, rebuilt only when an input changed and traceable to stored data."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.actions.core_app import TrainerCore
    from trainer.actions.tidymart import TidyMartConnection, TidyMartPipeline

__version__ = "0.1.0"

__all__ = ["TidyMartConnection", "TidyMartPipeline", "TrainerCore", "__version__"]

_HOMES = {
    "TrainerCore": "trainer.actions.core_app",
    "TidyMartConnection": "trainer.actions.tidymart",
    "TidyMartPipeline": "trainer.actions.tidymart",
}
"""Imported when they are first used: `import trainer` alone stays light."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
