"""The version, and what to install for what is optional; readable without importing anything.

The import is `compress`; on the package index that name is somebody else's.
"""

__version__ = "0.1.0"
DISTRIBUTION = "tabular-compress"


def install(extra: str) -> str:
    """The command that installs an extra of ours, as errors show it.

    Examples
    --------
    >>> install("onnx")
    "pip install 'tabular-compress[onnx]'"
    """
    return f"pip install '{DISTRIBUTION}[{extra}]'"
