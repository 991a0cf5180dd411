"""Python without the blank lines and trailing spaces that its parser doesn't see."""

from __future__ import annotations

import re

# Strings and comments first, so that what looks like an empty line inside a string isn't one.
_TOKEN = re.compile(
    r"(\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''"
    r"|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|#[^\n]*[^\s]|#|\\\n)"
    r"|(?<=\n)(?:[ \t]*\n){2,}|(?<![ \t])[ \t]+(?=\n)",
    re.DOTALL,
)


def without_blank_lines(text: str) -> str:
    """At most one empty line in a row. For text that parses; the syntax tree stays equal."""
    return _TOKEN.sub(lambda match: match[1] or ("\n" if "\n" in match[0] else ""), text)
