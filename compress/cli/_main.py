"""The parser of the command line, and the exit codes of errors."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import warnings
from contextlib import contextmanager
from importlib import import_module

from compress._version import __version__
from compress.cli._commands import add_commands
from compress.cli._options import UsageError, say

__all__ = ["main", "parser"]

EPILOG = """examples:
  python -m compress fit train.csv --target income --out student.safetensors
  python -m compress fit train.csv --target income --teacher forest.skops --out student.safetensors
  python -m compress predict student.safetensors new.csv --out predictions.csv
  python -m compress export student.safetensors --onnx student.onnx

exit codes: 0 done; 1 data or a file cannot be used; 2 wrong arguments; 130 interrupted; 143 ended by SIGTERM
"""


class Terminated(BaseException):
    """SIGTERM, as an exception: what is half done is cleared away."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    result = argparse.ArgumentParser(
        prog="python -m compress",
        description="Compress a tabular ensemble into a small neural net. Tables are CSV or Parquet files.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--version", action="version", version=__version__)
    result.add_argument("--debug", action="store_true", help="show the whole traceback of an error")
    add_commands(result.add_subparsers(metavar="COMMAND", required=True))
    return result


def main(arguments=None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        The arguments; by default those of the process.

    Examples
    --------
    >>> from compress.cli import main
    >>> main(["inspect", "no-such-file"])
    1
    """
    args = parser().parse_args(arguments)
    try:
        with _sigterm_raises(), _plain_warnings(args.debug):
            # imported late, so that --help and a typing error do not wait for torch
            import_module(args.module).run(args)
            sys.stdout.flush()
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Terminated:
        print("terminated", file=sys.stderr)
        return 128 + signal.SIGTERM
    except BrokenPipeError as error:
        if error.filename is not None:  # of a pipe that was named with --out
            print(f"error: {error}", file=sys.stderr)
            return 1
        # the reader of the output has ended (`| head`): this is not an error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if args.debug:
            raise
        print(f"error: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _plain_warnings(with_places: bool):
    """Print the library's warnings as those of the command line, without the lines of code they come from."""
    with warnings.catch_warnings():
        if not with_places:
            warnings.showwarning = lambda message, *place: say(f"warning: {message}")
        yield


@contextmanager
def _sigterm_raises():
    """Let SIGTERM raise Terminated, so that no temporary file stays; who has set a handler of his own keeps it."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL

    def terminate(number, frame):
        raise Terminated

    if ours:
        signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
