"""How providers of the OpenAI wire differ: one row each, and nothing about it anywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from athena.gateway.types import Dialect

# What every provider that thinks understands; asking for more than it knows would be an error there.
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


@dataclass(frozen=True, slots=True)
class Manners:
    """What a dialect can say. Lengths in characters; None: no limit is known.

    `late_system`: the role `system` may come after the first message. `forced_choice`: how a tool is demanded, by
    its name, by offering it alone, or not at all. `no_thinking`: the effort that means none. `thinks_unasked`: a
    model that can think does so where nothing is said, so that saying nothing isn't the same as in Anthropic's API.
    """

    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    late_system: bool = False
    forced_choice: Literal["named", "alone", "no"] = "named"
    parallel_flag: bool = True
    says_parallel: bool = False
    top_k: bool = False
    stops: int | None = None
    pdf: bool = False
    name_length: int | None = None
    id_length: int | None = None
    template_thinking: bool = False
    thinks_unasked: bool = False
    no_thinking: str | None = None
    efforts: Mapping[str, str] = field(default_factory=lambda: _EFFORTS)
    signed_calls: bool = False
    schema_noise: frozenset[str] = frozenset()


MANNERS: Mapping[Dialect, Manners] = {
    "openai": Manners(
        max_tokens="max_completion_tokens",
        late_system=True,
        stops=4,
        pdf=True,
        name_length=64,
        id_length=40,
        no_thinking="none",
    ),
    # Of several system messages only the last counts there, thinking can't be switched off altogether, and the
    # first call of a step must bear a signature.
    "google": Manners(
        parallel_flag=False,
        stops=5,
        name_length=64,
        no_thinking="minimal",
        signed_calls=True,
        schema_noise=frozenset({"$schema"}),
    ),
    # Fields that it doesn't know are dropped there without a word: `tool_choice` is one.
    "ollama": Manners(forced_choice="no", parallel_flag=False, thinks_unasked=True, no_thinking="none"),
    # A named choice is taken for `auto` there.
    "llama": Manners(
        forced_choice="alone", says_parallel=True, top_k=True, template_thinking=True, thinks_unasked=True
    ),
    "generic": Manners(),
}
