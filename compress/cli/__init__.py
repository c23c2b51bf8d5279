"""The command line: one subcommand for each step from a table to an exported student.

    python -m compress fit|predict|generate|label|evaluate|export|inspect

Results go to stdout or to files, everything else to stderr. Exit codes: 0 done; 1 the data or a file
cannot be used, with the reason on stderr; 2 wrong arguments; 130 interrupted; 143 ended by SIGTERM.
"""

from compress.cli._main import main

__all__ = ["main"]
