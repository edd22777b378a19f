"""Plug-ins, one file each: the file name is the name used in a spec."""

from mlspec.sources._files import FileSource

__all__ = ["FileSource"]
