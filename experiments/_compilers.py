"""The C compilers of this machine, with a clear error where there is none."""

from __future__ import annotations

import shutil

__all__ = ["compilers"]


def compilers(*names: str) -> list[str]:
    """Those of the C compilers that are installed.

    Parameters
    ----------
    *names : str
        Commands, for instance `"cc"`.

    Returns
    -------
    list of str
        The commands that are on the PATH, in the order given.

    Raises
    ------
    FileNotFoundError
        If none of them is there.

    Examples
    --------
    >>> compilers("no-such-compiler")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    FileNotFoundError: A C compiler is needed here, but none of no-such-compiler is on the PATH. Install one: ...
    """
    found = [name for name in names if shutil.which(name)]
    if not found:
        raise FileNotFoundError(
            f"A C compiler is needed here, but none of {', '.join(names)} is on the PATH. Install one: "
            "`apt-get install gcc libc6-dev` on Debian or `xcode-select --install` on macOS."
        )
    return found
