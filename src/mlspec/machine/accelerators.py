"""What accelerators the system shows, without asking a library or starting a process."""

import os
import sys
from pathlib import Path


def gpus() -> int:
    """How many NVIDIA GPUs this process may use: those that the system shows, less what CUDA_VISIBLE_DEVICES hides."""
    try:
        shown = sum(name.removeprefix("nvidia").isdigit() for name in os.listdir("/dev") if name.startswith("nvidia"))
    except OSError:
        return 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return shown
    return min(shown, len([name for name in visible.split(",") if name.strip() not in ("", "-1")]))


def has_nvidia() -> bool:
    """Whether there is an NVIDIA GPU with its driver."""
    return gpus() > 0 or (
        os.environ.get("CUDA_VISIBLE_DEVICES") is None and Path("/proc/driver/nvidia/version").exists()
    )


def is_mac() -> bool:
    """Whether this is a Mac, whose GPU torch calls ``mps``."""
    return sys.platform == "darwin"


def compiler() -> str | None:
    """The C++ compiler that torch.compile would use for the CPU; None where there is none."""
    import shutil

    named = os.environ.get("CXX")
    return next((found for name in (named, "g++", "c++", "clang++") if name and (found := shutil.which(name))), None)
