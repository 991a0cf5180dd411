"""What a text is taken for, and what is protected in it."""

from __future__ import annotations

import json

import pytest

from athena.compression import protect, segment

PROSE = "The committee met on a rainy afternoon. Nobody remembered who had called for it, and it went on for hours."
TALK = (
    "1:56 pm on 8 May, 2023\n\n"
    "Ada: Hey Ben! Good to see you, how have you been?\n"
    "Ben: I am swamped with the garden this spring.\n"
    "Ada: I went to the harbour yesterday and it was lovely.\n"
    "Ben: Tell me more about the harbour, please.\n"
)
LOG = "".join(f"2024-05-01 12:00:{i:02d} INFO worker-{i} polled the queue in {i} ms\n" for i in range(5))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (PROSE, "prose"),
        (TALK, "chat"),
        (LOG, "log"),
        (json.dumps({"a": [1, 2]}, indent=2), "json"),
        ("import os\n\n\ndef f(a):\n    '''The usual one. It does things.'''\n    return a\n", "code"),
        ("     1→import os\n     2→\n     3→x = os.getcwd()\n     4→print(x)\n", "code"),
        ("var a=function(b){return b};" * 60, "code"),
        ("SELECT a, b\nFROM t\nWHERE a > 1\n-- why it is so\nORDER BY b;\n", "code"),
        ("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "diff"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", "table"),
        ("name: athena\nversion: 1\nsteps:\n  - run: make\n", "yaml"),
        ("> It was said\n> that it rained.\n", "quoted"),
        ("<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n", "markup"),
        ("src/a.py:12: x = [1]\nsrc/b.py:7: y = {2: 3}\nsrc/c.py:9: z(4, 5)\n", "tool_output"),
        ("\n \n", "blank"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert [block.kind for block in segment(text)] == [kind]


def test_a_mixed_text_is_cut_where_its_kind_changes() -> None:
    text = f"{PROSE}\n\n```python\nx = 1\n\n\ny = 2\n```\n\n{PROSE}\n\n{LOG}"
    assert [block.kind for block in segment(text)] == ["prose", "code", "prose", "log"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("took 12.5 ms on Monday", "12.5 ms"),
        ("paid $1,200.50 for it", "$1,200.50"),
        ("it is not done", "not"),
        ("it isn't done", "isn't"),
        ("you must never go", "must"),
        ("das ist nicht wahr", "nicht"),
        ("look at /var/log/syslog.", "/var/log/syslog"),
        (r"in C:\Users\Ada\x.txt now", r"C:\Users\Ada\x.txt"),
        ("see https://example.org/a?b=c#d, please", "https://example.org/a?b=c#d"),
        ("write to ada@example.org.", "ada@example.org"),
        ("commit 9f3a2c1b7d broke it", "9f3a2c1b7d"),
        ("on 8 May 2023 it rained", "8 May 2023"),
        ("at 2024-05-01T12:00:01Z it", "2024-05-01T12:00:01Z"),
        ('he said "come in" twice', '"come in"'),
        ("call reset_state() first", "reset_state"),
        ("(see thread.interrupt_main().) )", "thread.interrupt_main"),
        ("the getUserName way", "getUserName"),
        ("with --dry-run only", "--dry-run"),
        ("use `make it so` here", "`make it so`"),
        ("a <b class='x'>bold</b> word", "<b class='x'>"),
        ("v1.2.3-rc1 is out", "v1.2.3-rc1"),
        ("价格是 300 元", "300"),
        ("```\nany thing\n```\n", "```\nany thing\n```"),
    ],
)
def test_what_must_stay_is_inside_one_span(text: str, kept: str) -> None:
    assert any(kept in text[span.start : span.end] for span in protect(text))


def test_plain_words_are_not_protected() -> None:
    assert protect("The committee met and everybody went home after a long afternoon.") == []
