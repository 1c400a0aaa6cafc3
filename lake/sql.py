"""Quoting and identifiers: what is left of SQL text after every value is bound."""

import re

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


def quote_identifier(name: str) -> str:
    """Return a table or column name in double quotes.

    Raises
    ------
    ValueError
        If it is not a letter or underscore followed by at most 62 letters, digits or underscores.

    Examples
    --------
    >>> quote_identifier("angle_deg")
    '"angle_deg"'
    """
    if not is_identifier(name):
        msg = f"{name!r} is not a name for a table or column: use letters, digits and underscores, at most 63."
        raise ValueError(msg)
    return f'"{name}"'


def is_identifier(name: str) -> bool:
    """Tell whether a name can be a table or column name of the lake.

    Examples
    --------
    >>> is_identifier("n_pulses"), is_identifier("1st"), is_identifier("a; DROP TABLE b")
    (True, False, False)
    """
    return _IDENTIFIER.fullmatch(name) is not None


def quote_literal(text: str) -> str:
    """Return a text in single quotes, for the few statements that cannot bind (ATTACH, LOAD).

    Examples
    --------
    >>> quote_literal("/home/o'neill")
    "'/home/o''neill'"
    """
    return "'" + text.replace("'", "''") + "'"


def split_header(text: str) -> tuple[str, str]:
    r"""Return the comment lines a SQL file begins with (without dashes), and the rest.

    Examples
    --------
    >>> split_header("-- Purpose: all of it.\nSELECT 1;\n")
    ('Purpose: all of it.', 'SELECT 1;\n')
    """
    lines = text.splitlines(keepends=True)
    n_header = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return "\n".join(line[2:].strip() for line in lines[:n_header]), "".join(lines[n_header:])
