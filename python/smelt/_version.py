"""The version, read from the installed package; kept apart so that nothing heavy is imported."""

from importlib import metadata

__version__ = metadata.version("smelt")
