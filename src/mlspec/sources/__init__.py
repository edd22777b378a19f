"""Plug-ins, one file each: the file name is the name used in a spec."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlspec.sources._files import FileSource
    from mlspec.sources._folder_source import FolderSource

__all__ = ["FileSource", "FolderSource"]


def __getattr__(name: str) -> Any:
    """The classes, imported when they are asked for: few specs read folders."""
    if name == "FileSource":
        from mlspec.sources._files import FileSource

        return FileSource
    if name == "FolderSource":
        from mlspec.sources._folder_source import FolderSource

        return FolderSource
    raise AttributeError(name)
