"""What to install where an optional package is missing: the name of the distribution, in one place.

The import is `compress`; on the package index that name is somebody else's.
"""

DISTRIBUTION = "tabular-compress"


def install(extra: str) -> str:
    """The command that installs an extra of ours, as errors show it.

    Examples
    --------
    >>> install("onnx")
    "pip install 'tabular-compress[onnx]'"
    """
    return f"pip install '{DISTRIBUTION}[{extra}]'"
