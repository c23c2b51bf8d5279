"""Python values as C text: numbers, strings, arrays and comments."""

from __future__ import annotations

import re

import numpy as np

__all__ = ["array_of", "bytes_literal", "comment", "number", "strings_of"]

PER_LINE = 8


def number(value) -> str:
    """Return a literal of an int, a bool or a double."""
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, int | np.integer):
        # C has no literal for the smallest int64
        return f"(-{2**63 - 1}LL - 1)" if value == -(2**63) else f"{value}LL" if abs(value) >= 2**31 else str(value)
    return _real(float(value), 17)


def _real(value: float, digits: int) -> str:
    if not np.isfinite(value):
        return "NAN" if value != value else "INFINITY" if value > 0 else "-INFINITY"
    text = f"{value:.{digits}g}"
    return text if any(mark in text for mark in ".e") else text + ".0"


def array_of(c_type: str, name: str, values: np.ndarray) -> str:
    """Return a `static const` array of one or two dimensions, with all digits of its type."""
    digits, suffix = (9, "f") if c_type == "float" else (17, "")
    if c_type == "float":
        values = values.astype(np.float32)
    shape = "".join(f"[{n}]" for n in values.shape)
    rows = np.atleast_2d(values)
    texts = []
    for row in rows:
        cells = [_real(float(v), digits) + suffix for v in row]
        lines = [", ".join(cells[i : i + PER_LINE]) for i in range(0, len(cells), PER_LINE)]
        texts.append("{" + ",\n    ".join(lines) + "}")
    text = texts[0] if values.ndim == 1 else "{\n" + ",\n".join(texts) + "\n}"
    return f"static const {c_type} {name}{shape} = {text};"


def bytes_literal(text: str | bytes) -> str:
    """Return a string literal; bytes other than plain ASCII are three octal digits, which no next digit can extend."""
    raw = text.encode() if isinstance(text, str) else text
    plain = {ord(c) for c in " !#$%&'()*+,-./:;<=>@[]^_`{|}~"} | set(range(48, 58)) | set(range(65, 91))
    plain |= set(range(97, 123))
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in raw) + '"'


def strings_of(name: str, values: list[bytes]) -> str:
    """Return a `static const` array of strings."""
    cells = ",\n    ".join(bytes_literal(value) for value in values)
    return f"static const char *const {name}[] = {{\n    {cells}}};"


def comment(text: str) -> str:
    """Return text that is safe within a comment."""
    return re.sub(r"[^ -.0-~]", "?", text)
