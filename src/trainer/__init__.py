"""Reports a language model helps to write, rebuilt only when an input changed and traceable to stored data."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.actions.core_app import TrainerCore

__version__ = "0.1.0"

__all__ = ["TrainerCore", "__version__"]


def __getattr__(name: str) -> Any:
    if name != "TrainerCore":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from trainer.actions.core_app import TrainerCore

    return TrainerCore
