"""Settings: `config.yaml`, environment and `--set`, checked against one schema, each value with its origin."""

from trainer.core.config.load import Config, Origin, load_config
from trainer.core.config.schema import Settings, json_schema

__all__ = ["Config", "Origin", "Settings", "json_schema", "load_config"]
