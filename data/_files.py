"""Where files lie, and how they are read, checked and written.

Files are gzip with no time and no name inside, so the same content gives the same
bytes with the same zlib. They are written under a temporary name and then renamed:
a file that exists is whole.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import secrets
import sys
import zlib
from pathlib import Path

__all__ = ["HERE", "cache_dir", "digest", "file_digest", "pack", "read_checked", "write_atomic"]

HERE = Path(__file__).resolve().parent


def cache_dir() -> Path:
    """The cache: `$COMPRESS_DATA`, or `compress` in the user's cache directory."""
    chosen = os.environ.get("COMPRESS_DATA")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "compress"


def digest(content: bytes) -> str:
    """The sha256 of `content` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def file_digest(path: Path) -> str:
    """The sha256 of a file as it lies on disk."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def pack(content: bytes) -> bytes:
    """`content` compressed with gzip, without time and name."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as stream:
        stream.write(content)
    return buffer.getvalue()


def read_checked(path: Path, sha256: str | None) -> bytes | None:
    """The uncompressed content of `path`, or None if it is absent, damaged or not as expected.

    With `sha256=None` any content that can be uncompressed will do.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error):
        return None
    return content if sha256 is None or digest(content) == sha256 else None


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path`: a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")  # two containers may have one number of process
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
