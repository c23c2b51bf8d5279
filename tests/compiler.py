"""The C compiler, for the tests of what is written in C, which skip without one."""

import shutil

import pytest

CC = shutil.which("cc")
needs_compiler = pytest.mark.skipif(CC is None, reason="needs a C compiler: apt-get install gcc libc6-dev")
