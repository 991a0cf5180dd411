"""What must survive, on real files: this repository's own and the standard library's."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sysconfig
import warnings
from collections import Counter
from pathlib import Path

from athena.compression import compress
from tests.bench.bars import Figure

PART = "keep"
ROOT = Path(__file__).resolve().parents[2]
_RATIOS = (0.5, 0.2)
_QUERY = "How are errors of the connection handled?"
_LARGEST = 200_000
# Written apart from the product's own idea of what to protect, and cruder.
_CLASSES = {
    "number": re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?: ?(?:%|ms|s|kB|MB|GB|km|kg|°C))?(?!\w)"),
    "negation": re.compile(r"\b(?:not|no|never|none|cannot|without|\w+n't|must|should)\b", re.IGNORECASE),
    "URL": re.compile(r"https?://[\w./?=&%#~:+-]+\w"),
    "path": re.compile(r"(?<![\w/:])(?:~|\.{1,2})?/[\w.-]+(?:/[\w.-]+)*\w|\b\w+\.(?:py|md|toml|json|txt|sql)\b"),
    "identifier": re.compile(r"\b(?:[a-z]+_\w+|[a-z]+[A-Z]\w*|[A-Z][A-Z0-9]+_\w+|\w+(?:\.\w+)+)\b"),
    "quoted": re.compile(r"\"[^\"\n]{1,200}\"|`[^`\n]+`"),
    "e-mail": re.compile(r"\b[\w.+-]+@\w[\w-]*(?:\.\w+)+"),
    "tag": re.compile(r"</?[a-z][a-z0-9]*(?: [^<>\n]{0,80})?>"),
}
_FROM_LIBRARY = {".py": 120, ".txt": 20, ".rst": 10, ".json": 10, ".cfg": 5, ".html": 5, ".css": 3}


async def measure() -> list[Figure]:
    """In the text without a query; with one, in the text or behind an elision's id."""
    there: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    behind = shown = asked = parsed = parsable = 0
    files = corpus()
    for path in files:
        text = path.read_bytes().decode("utf-8", "replace")
        spans = [(kind, match.group()) for kind, form in _CLASSES.items() for match in form.finditer(text)]
        for ratio in _RATIOS:
            plain = await compress(text, ratio=ratio)
            for kind, span in spans:
                wanted[kind] += 1
                there[kind] += span in plain.text
            found = await compress(text, ratio=ratio, query=_QUERY)
            reachable = "\n".join((found.text, *(elision.text for elision in found.elisions)))
            asked += len(spans)
            shown += sum(span in found.text for _, span in spans)
            behind += sum(span in reachable for _, span in spans)
        lossless = await compress(text, lossless_only=True)
        if path.suffix in (".py", ".json") and (before := _meaning(path.suffix, text)) is not None:
            parsable += 1
            parsed += before == _meaning(path.suffix, lossless.text)
    figures = [
        Figure(PART, f"{kind} kept, no query", there[kind] / count, "", 1.0, ours=f"{there[kind]} of {count}")
        for kind, count in sorted(wanted.items())
    ]
    return [
        *figures,
        Figure(PART, "kept or behind an id, with a query", behind / asked, "", 1.0, ours=f"{behind} of {asked}"),
        Figure(PART, "of these, in the text itself", shown / asked, "", ours=f"{shown} of {asked}"),
        Figure(PART, "JSON and Python equal after parsing", parsed / parsable, "", 1.0, ours=f"{parsed} of {parsable}"),
    ]


def corpus() -> list[Path]:
    """Text files up to 200 kB."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    files = [ROOT / name for name in listed if Path(name).suffix in (".py", ".md", ".toml", ".sql", ".sh", ".lock", "")]
    library = Path(sysconfig.get_paths()["stdlib"])
    for suffix, count in _FROM_LIBRARY.items():
        found = sorted(path for path in library.rglob(f"*{suffix}") if "site-packages" not in path.parts)
        files += found[:: max(1, len(found) // count)]
    return [path for path in files if path.is_file() and path.stat().st_size <= _LARGEST]


def _meaning(suffix: str, text: str) -> str | None:
    try:
        if suffix == ".json":
            return repr(json.loads(text))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError):
        return None
