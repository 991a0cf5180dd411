"""What a run of lines is, told by its looks. In doubt: `code`, which nothing is taken from."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections import Counter

from athena.compression.types import Kind

_PYTHON = re.compile(r"^(?:async def|def|class|import|from|if __name__)\b|^@\w", re.MULTILINE)
_CODE_LINE = re.compile(
    r"^\s*(?:(?:def|class|import|from|return|elif|else:|try:|except|finally:|with|async|await|raise|lambda|yield|pass\b"
    r"|function|const|let|var|export|public|private|protected|static|void|int|struct|enum|impl|fn|pub|use|package|func"
    r"|type|interface|namespace|template|#include|#define|SELECT|INSERT|UPDATE|CREATE|DROP|ALTER|WITH|FROM|WHERE|JOIN"
    r"|GROUP BY|ORDER BY|echo|fi|done|esac|local|set -)\b.*[^.!?\s]\s*$"
    r"|.*[{};]\s*(?://.*|#.*)?$|.*\)\s*(?:->[^.]*)?:\s*$|[\w.\[\]\"']+\s*(?:[-+*/|&:]?=)\s*\S.*|[\])}]+[,;]?\s*$"
    r"|@\w.*|//.*|/\*.*|\*/.*|[\w.]+\(.*\)\s*$|[\"'].*[\"'],?\s*$)"
)
_SQL = re.compile(r"^(?:SELECT|INSERT INTO|CREATE|ALTER|WITH \w+|UPDATE \w+|DELETE FROM)\b", re.MULTILINE)
_NUMBERED = re.compile(r"^\s*\d+(?:→|\t|\s*\|)")
_DIFF = re.compile(r"^(?:diff --git |@@ -\d|--- \S.*\n\+\+\+ \S|Index: )", re.MULTILINE)
_TAG_LINE = re.compile(r"^\s*<[/!?A-Za-z][^<>]*>|</[A-Za-z][\w:-]*>\s*$")
_YAML_LINE = re.compile(
    r"^\s*(?:- )?[\"']?[A-Za-z_][\w./ -]{0,40}[\"']?\s*[:=](?:\s|$)|^\s*- \S+\s*$|^---\s*$|^\[[\w.\"-]+\]\s*$"
)
_LOG_LINE = re.compile(
    r"^\W{0,2}(?:\d{4}[-/]\d\d[-/]\d\d|\d\d:\d\d:\d\d|[A-Z][a-z]{2}\s+\d{1,2} \d\d:\d\d"
    r"|(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL)\b|\S+ \S+ \S+ \[\d)"
)
_PLACE_LINE = re.compile(r"^[\w./\\-]+[:-]\d+[:-]")
_SENTENCE_END = re.compile(r"[.!?…。！？؟][\"'”’)\]]*\s*$")
_LABEL = re.compile(
    r"^(?:\[[^\]\n]{1,48}\]|\([^)\n]{1,48}\))?[ \t]*(?:\*\*)?([^\W\d_][\w .'’-]{0,30}?)(?:\*\*)?"
    r"(?: ?[(\[][^)\]\n]{1,48}[)\]])?:(?:\*\*)?[ \t]+(?=\S)"
)
_LEVELS = frozenset("trace debug info notice warn warning error critical fatal note todo hint tip e.g i.e".split())
_ROLES = frozenset("user assistant human ai system agent customer bot me you interviewer q a".split())
_LETTERS = re.compile(r"(?:[^\W\d_]| )+")
_LONG = 400
_LEAST_TURNS = 4
_MOST_SPEAKERS = 24


def of_whole(text: str) -> Kind | None:
    """What the text as a whole is, where that can be told with certainty; None: look at its parts."""
    start = text.lstrip()[:1]
    if not start:
        return "blank"
    if start in "{[" and is_json(text):
        return "json"
    if start in "{[" and _is_json_lines(text):
        return "table"
    if "\x00" in text:
        return "code"
    if _DIFF.match(text.lstrip()):
        return "diff"
    return "code" if _is_code(text) else None


def of_run(run: str, talk: frozenset[str]) -> Kind:
    """What lines without a blank one between them are."""
    lines = _lines(run)
    if not lines:
        return "blank"
    first = lines[0].lstrip()[0]
    if first in "{[" and is_json(run):
        return "json"
    if talk and any(label(line) in talk for line in lines):
        return "chat"
    kind = _structured(run, lines)
    if kind is not None:
        return kind
    if _is_minified(run) or _is_code_run(lines):
        return "code"
    return "chat" if talk and len(lines) <= 2 else _wordy(lines)


def label(line: str) -> str:
    """Who speaks in this line ("Ada: …", "[8 May] Ada: …"); "" without a label."""
    match = _LABEL.match(line)
    return match[1].strip().lower() if match else ""


def labels(text: str) -> frozenset[str]:
    """Who speaks in this text, if it is a talk: the same few labels, again and again, before whole sentences."""
    counted: Counter[str] = Counter()
    words = lines = 0
    for line in _lines(text):
        lines += 1
        name = label(line)
        if name and name not in _LEVELS:
            counted[name] += 1
            words += line.count(" ")
    talk = frozenset(name for name, count in counted.items() if count > 1 or name in _ROLES)
    turns = sum(counted[name] for name in talk)
    if turns < _LEAST_TURNS or turns < 0.4 * lines or len(talk) > _MOST_SPEAKERS or words < 4 * sum(counted.values()):
        return frozenset()
    return frozenset(counted)


def is_json(text: str) -> bool:
    """An object or an array, complete, as Python reads it (so that equality can be checked)."""
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def is_python(text: str) -> bool:
    """It parses. Prose of one word does too: something that only code has must be there."""
    return bool(_PYTHON.search(text)) and _parses(text)


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _is_json_lines(text: str) -> bool:
    lines = text.split("\n", 2)
    return len(lines) > 1 and is_json(lines[0]) and is_json(lines[1])


def _is_code(text: str) -> bool:
    """A file of code, docstrings and comments included."""
    if is_python(text):
        return True
    if "```" in text:
        return False
    lines = _lines(text)
    if sum(bool(_NUMBERED.match(line)) for line in lines) > 0.8 * len(lines) and len(lines) > 2:
        return True
    if lines[0].startswith("#!") or (_SQL.search(text) and any(line.endswith(";") for line in lines)):
        return True
    return _share(_CODE_LINE, lines) > 0.5 and _share(_LOG_LINE, lines) < 0.3 and not labels(text)


def _structured(run: str, lines: list[str]) -> Kind | None:
    if _DIFF.search(run):
        return "diff"
    if all(line.lstrip().startswith(">") for line in lines):
        return "quoted"
    if _is_table(lines):
        return "table"
    if _share(_LOG_LINE, lines) > 0.6:
        return "log"
    if _share(_PLACE_LINE, lines) > 0.6:
        return "tool_output"
    if lines[0].lstrip().startswith("<") and _share(_TAG_LINE, lines) > 0.5:
        return "markup"
    if len(lines) > 1 and _share(_YAML_LINE, lines) > 0.7 and _share(_SENTENCE_END, lines) < 0.3:
        return "yaml"
    return None


def _is_table(lines: list[str]) -> bool:
    if len(lines) < 2:
        return False
    bars = {line.count("|") for line in lines}
    tabs = {line.count("\t") for line in lines}
    return (min(bars) > 1 and len(bars) < 3) or (len(tabs) == 1 and min(tabs) > 0)


def _is_code_run(lines: list[str]) -> bool:
    if _share(_NUMBERED, lines) > 0.8 and len(lines) > 2:
        return True
    return _share(_CODE_LINE, lines) > 0.6 and _share(_SENTENCE_END, lines) < 0.4


def _is_minified(run: str) -> bool:
    """A line like no one writes by hand, with hardly a space in it; some scripts write so, but not in ASCII."""
    longest = max(run.split("\n"), key=len)
    return len(longest) > 1000 and longest.count(" ") * 12 < len(longest) and longest.isascii()


def _wordy(lines: list[str]) -> Kind:
    """Sentences, or what a program prints."""
    words = sum(len(line.split()) for line in lines)
    letters = sum(len(found) for line in lines for found in _LETTERS.findall(line))
    size = sum(map(len, lines))
    if letters > 0.8 * size and (words > 5 * len(lines) or _share(_SENTENCE_END, lines) > 0.3 or len(lines) == 1):
        return "prose"
    return "prose" if letters > 0.9 * size else "tool_output"


def _lines(text: str) -> list[str]:
    """Those that aren't blank; of a very long one both ends, which is where its looks are."""
    lines = (line for line in text.split("\n") if line.strip())
    return [line if len(line) <= _LONG else line[: _LONG // 2] + line[-_LONG // 2 :] for line in lines]


def _share(pattern: re.Pattern[str], lines: list[str]) -> float:
    return sum(bool(pattern.search(line)) for line in lines) / len(lines)
