"""Names for C and C++: what may be one, and one for each column.

A column may be called as a keyword of either language, as a macro that a compiler predefines, or as a macro or type of
the standard headers that the exported files or the programs around them include. It gets an underscore then.
"""

from __future__ import annotations

import re

__all__ = ["field_names", "is_identifier"]

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
C = """alignas alignof asm auto bool break case char complex const constexpr continue default do double else enum extern
    false far float for fortran goto huge if imaginary inline int interface long main near nullptr pascal register
    restrict return short signed sizeof static static_assert struct switch thread_local true typedef typeof
    typeof_unqual union unsigned void volatile while"""
CPP = """and and_eq bitand bitor catch char16_t char32_t char8_t class co_await co_return co_yield compl concept
    const_cast consteval constinit decltype delete dynamic_cast explicit export friend mutable namespace new noexcept
    not not_eq operator or or_eq private protected public reflexpr reinterpret_cast requires static_cast template this
    throw try typeid typename using virtual wchar_t xor xor_eq"""
# macros for a system or a processor
PREDEFINED = """MSDOS PPC R3000 WIN32 WIN64 WINNT arc cdecl hppa hpux i386 linux m68k mc68000 mips MIPSEB MIPSEL pdp11
    sgi sparc sun ultrix unix vax"""
# of stddef.h, math.h, stdio.h, stdlib.h, string.h, assert.h, errno.h and endian.h
HEADERS = """BIG_ENDIAN BUFSIZ BYTE_ORDER DOMAIN EDOM EILSEQ EOF ERANGE EXIT_FAILURE EXIT_SUCCESS FD_SETSIZE FILE
    FILENAME_MAX FOPEN_MAX HUGE INFINITY LITTLE_ENDIAN MATH_ERREXCEPT MATH_ERRNO MAXFLOAT MB_CUR_MAX NAN NFDBITS NULL
    OVERFLOW PDP_ENDIAN PLOSS P_tmpdir RAND_MAX SING TLOSS TMP_MAX UNDERFLOW WCONTINUED WEXITED WNOHANG WNOWAIT
    WSTOPPED WUNTRACED X_TLOSS assert double_t errno float_t max_align_t math_errhandling nullptr_t offsetof ptrdiff_t
    signgam size_t stderr stdin stdout unreachable"""
TAKEN = frozenset(" ".join((C, CPP, PREDEFINED, HEADERS)).split())
FAMILIES = re.compile(
    r"u?int((_least|_fast)?\d+|ptr|max)_t|(U?INT((_LEAST|_FAST)?\d+|PTR|MAX)|PTRDIFF|SIG_ATOMIC|SIZE|WCHAR|WINT)_"
    r"(MIN|MAX|WIDTH|C)|(CHAR|[SU]CHAR|U?SHRT|U?INT|U?LONG|U?LLONG|BOOL|MB_LEN)_(BIT|MIN|MAX|WIDTH)|"
    r"(FLT|DBL|LDBL|DECIMAL|DEC\d+)_\w+|M_(E|PI|LOG2E|LOG10E|LN2|LN10|PI_[24]|[12]_PI|2_SQRTPI|SQRT2|SQRT1_2)\w*|"
    r"(HUGE_VAL|SNAN)(F|L|_?F\d+X?)?|FP_\w+|SEEK_\w+|L_\w+|RENAME_\w+|"
    r"is(finite|inf|nan|normal|greater|greaterequal|less|lessequal|lessgreater|unordered)|signbit|fpclassify"
)


def is_identifier(name: str) -> bool:
    """Whether a name can be given to something in C and in C++."""
    return bool(IDENTIFIER.match(name)) and not _is_taken(name)


def field_names(columns) -> list[str]:
    """Return an identifier for each column, all different."""
    names, used = [], set()
    for column in columns:
        name = re.sub(r"\W", "_", column.name, flags=re.ASCII) or "_"
        if name[0].isdigit():
            name = f"x{name}"
        if name.startswith("_"):
            name = f"c{name}"
        if _is_taken(name):
            name = f"{name}_"
        stem, i = name, 2
        while name in used:
            name, i = f"{stem}_{i}", i + 1
        used.add(name)
        names.append(name)
    return names


def _is_taken(name: str) -> bool:
    return name in TAKEN or FAMILIES.fullmatch(name) is not None
