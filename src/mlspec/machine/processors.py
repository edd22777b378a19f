"""The instruction set that numeric libraries compute with: what they have chosen here, and one that they can be held to
on every x86-64 machine."""

import functools
import os
import sys
from pathlib import Path
from typing import Any

from mlspec.machine.environment import machine, processor, versions

PORTABLE = "x86-64-v3"
NEEDED = frozenset({"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"})  # the flags of x86-64-v3
BEYOND = ("avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile")
NUMERIC = ("numpy", "scipy.linalg", "sklearn", "torch")
STATED = {"onednn": "ONEDNN_MAX_CPU_ISA", "mkl": "MKL_CBWR"}  # what these have chosen can't be asked, only set
# numpy 2.4 names groups of instructions, versions before it each one.
FROM_GROUPS, GROUPS = (2, 4), "X86_V4 AVX512_ICL AVX512_SPR"
SINGLE = "AVX512F AVX512CD AVX512_KNL AVX512_KNM AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"


def portable() -> dict[str, str]:
    """The environment that holds numeric libraries to x86-64-v3 (AVX2); they read it when they are first imported.

    MKL has one code path that it promises to be the same on processors of all vendors, and it is of SSE2.
    """
    major, minor, *_ = (int(part) if part.isdigit() else 0 for part in (*versions(["numpy"])["numpy"].split("."), "0"))
    return {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "MKL_CBWR": "COMPATIBLE",
        "NPY_DISABLE_CPU_FEATURES": GROUPS if (major, minor) >= FROM_GROUPS else SINGLE,
    }


def lacking(kind: str, flags: frozenset[str]) -> str:
    """Why a machine of that kind, whose processor has these flags, can't be held to x86-64-v3; empty if it can."""
    if kind not in ("x86_64", "AMD64"):
        return f"this machine is {kind}"
    missing = sorted(NEEDED - flags)
    return f"the processor lacks {', '.join(missing)}" if missing else ""


def chosen() -> dict[str, str]:
    """What the numeric libraries that this process has loaded compute with: the processor and its instructions, those
    that numpy and torch use, the kernels of OpenBLAS, the threads; nothing where none is loaded."""
    return dict(_chosen(tuple(name for name in NUMERIC if name in sys.modules)))


@functools.cache
def _chosen(loaded: tuple[str, ...]) -> dict[str, str]:
    if not loaded:
        return {}
    beyond = [flag for flag in BEYOND if flag in flags()]
    level = machine() if lacking(machine(), flags()) else PORTABLE
    found = {"processor": processor(), "instructions": " ".join([level, *beyond])}
    found |= {name: os.environ[variable] for name, variable in STATED.items() if os.environ.get(variable)}
    if "numpy" in loaded:
        found["numpy"] = _numpy(sys.modules["numpy"])
    if "torch" in loaded:
        found["torch"] = sys.modules["torch"].backends.cpu.get_cpu_capability()
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return found
    pools = threadpool_info()
    kernels = {f"{pool['internal_api']} {pool['architecture']}" for pool in pools if pool.get("architecture")}
    if kernels:
        found["blas"] = ", ".join(sorted(kernels))
    if pools:
        found["threads"] = str(max(pool["num_threads"] for pool in pools))
    return found


def _numpy(numpy: Any) -> str:
    """The greatest set of instructions that numpy has code for and uses here."""
    core = sys.modules.get("numpy._core._multiarray_umath") or sys.modules.get("numpy.core._multiarray_umath")
    features = getattr(core, "__cpu_features__", {})
    names = [*getattr(core, "__cpu_baseline__", ()), *getattr(core, "__cpu_dispatch__", ())]
    used = [name for name in names if features.get(name)]
    return used[-1] if used else str(numpy.__version__)


@functools.cache
def flags() -> frozenset[str]:
    """The flags of this machine's processor, as the kernel names them; nothing if unknown."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("flags"):
                    return frozenset(line.partition(":")[2].split())
    except OSError:
        pass
    return frozenset()
