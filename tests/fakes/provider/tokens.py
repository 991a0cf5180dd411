"""How many tokens something is: about four bytes each, and the same for the same thing everywhere."""

from __future__ import annotations

from tests.fakes.provider.script import Step, Text, Think, Tool


def tokens_of(text: str) -> int:
    return (len(text.encode()) + 3) // 4


def output_of(step: Step) -> int:
    """Of what a step says."""
    match step:
        case Text() | Think():
            return tokens_of(step.text)
        case Tool():
            return 8 + tokens_of(step.name) + tokens_of(step.json)
    return 0
