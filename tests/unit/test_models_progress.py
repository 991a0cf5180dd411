"""What a pull shows: bars on a terminal, few lines elsewhere."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from athena.cli.progress import shown
from athena.runtime.progress import Progress


def _shown(*, terminal: bool) -> str:
    out = StringIO()
    with shown(Console(file=out, force_terminal=terminal, width=140)) as report:
        report(Progress("m.gguf", "asking", 0, 1_000_000))
        report(Progress("m.gguf", "checking", 400_000, 400_000))
        for done in range(400_000, 1_000_001, 1000):
            report(Progress("m.gguf", "downloading", done, 1_000_000))
        report(Progress("m.gguf", "retrying", 0, 1_000_000, "it arrived [damaged]"))
        report(Progress("m.gguf", "done", 1_000_000, 1_000_000))
    return out.getvalue()


def test_lines_are_few_and_whole() -> None:
    lines = _shown(terminal=False).splitlines()
    assert lines[0] == "m.gguf: asking"
    assert lines[1] == "m.gguf: checking 0.4 of 0.4 MB"
    assert lines[-2:] == [
        "m.gguf: retrying (it arrived [damaged])",
        "m.gguf: done 1.0 of 1.0 MB",
    ]
    assert len(lines) == 11


def test_bars_end_full() -> None:
    text = _shown(terminal=True)
    assert "m.gguf" in text
    assert "1.0/1.0 MB" in text
