"""How much memory a request needs, and whether this machine has it."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["available_bytes", "check_fits", "readable_bytes"]


def available_bytes() -> int | None:
    """Return the bytes that can be allocated now without swapping; None where the system does not tell.

    It is the smaller of what the machine and, in a container, the control group (v2) have left.
    """
    limits = [limit for limit in (_machine(), _control_group()) if limit is not None]
    return min(limits) if limits else None


def check_fits(needed: int, what: str, advice: str) -> None:
    """Raise MemoryError when more bytes are needed than are available.

    Parameters
    ----------
    needed : int
        The number of bytes.
    what : str
        The name of what needs them, which is the subject of the message.
    advice : str
        What the user can do instead, as a sentence.

    Examples
    --------
    >>> from compress.schema import check_fits
    >>> check_fits(1000, "the table", "Take fewer rows.")  # there is room
    """
    there = available_bytes()
    if there is not None and needed > there:
        raise MemoryError(
            f"{what} needs about {needed:,} bytes ({readable_bytes(needed)}), "
            f"but {readable_bytes(there)} are available. {advice}"
        )


def readable_bytes(n: int) -> str:
    """Return a number of bytes in a readable unit: 1536 -> '1.5 KiB'."""
    size, unit = float(n), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"


def _machine() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:  # other systems: all physical memory is the best that the standard library knows
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _control_group() -> int | None:
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text().strip()
        return None if limit == "max" else max(int(limit) - int(used), 0)
    except (OSError, ValueError):
        return None
