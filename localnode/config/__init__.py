"""What a node is configured with.

Uploads, variables, secrets, and the checked, effective form of every component.
"""

from localnode.config.model import Component, NodeConfig, PipeComponent
from localnode.config.problems import ConfigRefused, InvalidConfig, Problem, UnreadableUpload
from localnode.config.settings import NodeSettings, parse_systems, settings_from_environment
from localnode.config.store import SettingsStore
from localnode.config.upload import pack, pack_directory, read_directory, read_upload, read_variables

__all__ = [
    "Component",
    "ConfigRefused",
    "InvalidConfig",
    "NodeConfig",
    "NodeSettings",
    "PipeComponent",
    "Problem",
    "SettingsStore",
    "UnreadableUpload",
    "pack",
    "pack_directory",
    "parse_systems",
    "read_directory",
    "read_upload",
    "read_variables",
    "settings_from_environment",
]
