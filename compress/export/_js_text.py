"""Python values as JavaScript text: literals that are safe within a page, and arrays of numbers without loss.

The text is plain ASCII, and names and categories hold no character that could end a script, a comment or a string.
"""

from __future__ import annotations

import base64
import json
import re

import numpy as np

__all__ = ["array_of", "field", "json_literal", "literal", "record"]

LARGEST_EXACT = 2**53 - 1  # beyond it an integer is a BigInt
TYPES = {"float32": "<f4", "float64": "<f8", "int32": "<i4", "bytes": "u1"}


def json_literal(value) -> str:
    """Return JSON that is a JavaScript literal, too, with nothing in it that ends a script or a comment."""
    text = json.dumps(value, ensure_ascii=True)
    return re.sub(r"[<>&/*@\x7f]", lambda match: f"\\u{ord(match[0]):04x}", text)


def literal(value) -> str:
    """Return a literal of a text, a number, a bool or None, or of a list of them."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value}n" if abs(value) > LARGEST_EXACT else str(value)
    if isinstance(value, float) and not np.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return json_literal(value)


def array_of(kind: str, values) -> str:
    """Return a typed array in base64, as `arrays.js` reads it.

    Parameters
    ----------
    kind : {"float32", "float64", "int32", "bytes"}
        The type of the numbers.
    values : number array of any shape
        The numbers, which are written row by row.
    """
    content = np.ascontiguousarray(values, dtype=TYPES[kind]).tobytes()
    return f'{kind}("{base64.b64encode(content).decode()}")'


def field(name: str, text: str) -> str:
    """Return one field of an object."""
    return f"  {name}: {text},"


def record(name: str, fields: dict[str, str]) -> list[str]:
    """Return the declaration of an object whose fields are expressions."""
    return [f"const {name} = {{", *(field(key, text) for key, text in fields.items()), "};"]
