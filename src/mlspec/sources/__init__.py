"""Plug-ins, one file each: the file name is the name used in a spec."""

from typing import TYPE_CHECKING, Any

from mlspec.sources._files import FileSource

if TYPE_CHECKING:
    from mlspec.sources._folder_source import FolderSource

__all__ = ["FileSource", "FolderSource"]


def __getattr__(name: str) -> Any:
    """``FolderSource``, imported when it is asked for: few specs read folders."""
    if name != "FolderSource":
        raise AttributeError(name)
    from mlspec.sources._folder_source import FolderSource

    return FolderSource
