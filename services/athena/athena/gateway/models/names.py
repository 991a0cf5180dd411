"""What people and servers call a model."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

AUTO = frozenset({"auto", "athena", "athena/auto"})
# What a name of no model in particular means: whatever the local server serves.
WHATEVER = frozenset({"local", "default", "reasoning"})

_QUANTISED = re.compile(r"[-_.](?:ud-)?(?:i?q\d\w*|f16|f32|bf16|mxfp4)$")
_SIZE = re.compile(r"(?:-instruct|-it|-chat|-\d{4})$")


def split(name: str) -> tuple[str | None, str]:
    """`provider/model` in two; the model's own part may hold slashes. None: no provider was named."""
    provider, slash, model = name.partition("/")
    return (provider, model) if slash else (None, name)


def is_ollama_cloud(id: str) -> bool:
    """Whether Ollama would send the prompt to its makers' servers: tags such as `gpt-oss:120b-cloud`, `glm-5:cloud`."""
    return id.casefold().endswith(("-cloud", ":cloud"))


def same_local(asked: str, served: str) -> bool:
    """Whether `asked` names what a local server calls `served`: without folder, `.gguf`, quantisation and
    `-instruct`, in any case."""
    return _plain(asked) == _plain(served)


def with_tag(id: str) -> str:
    """Ollama's own way of naming a model without a tag."""
    return id if ":" in id else f"{id}:latest"


def near(name: str, known: Iterable[str]) -> list[str]:
    """Up to three names that a slip of the finger could have meant."""
    candidates = {each.casefold(): each for each in known}
    bare = {split(each)[1]: each for each in candidates}
    found = difflib.get_close_matches(name.casefold(), [*candidates, *bare], n=6, cutoff=0.6)
    return list(dict.fromkeys(candidates[bare.get(each, each)] for each in found))[:3]


def _plain(name: str) -> str:
    text = name.replace("\\", "/").rsplit("/", 1)[-1].casefold().removesuffix(".gguf")
    text = _QUANTISED.sub("", text)
    while (shorter := _SIZE.sub("", text)) != text:
        text = shorter
    return re.sub(r"[-_. ]", "", text)
