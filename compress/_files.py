"""Files that are either complete or do not exist."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["write_all_atomically", "write_atomically"]


def write_atomically(path, content: bytes | str) -> Path:
    """Write a file under a temporary name and rename it, so that an old file stays until the new one is complete."""
    path = Path(path)
    write_all_atomically({path: content})
    return path


def write_all_atomically(contents: dict[Path, bytes | str]) -> None:
    """Write files that belong together: all of them are complete on the disk before any is renamed."""
    partials = {path: path.with_name(f".{path.name}.{os.getpid()}") for path in contents}
    path = None
    try:
        for path, partial in partials.items():
            content = contents[path]
            partial.write_bytes(content.encode() if isinstance(content, str) else content)
            with partial.open("rb+") as file:
                os.fsync(file.fileno())  # a full disk may raise its error only here
        for path, partial in partials.items():
            partial.replace(path)
    except OSError as error:
        if error.errno and error.filename is None:
            error.filename = str(path)  # an error of writing does not name its file
        raise
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)
