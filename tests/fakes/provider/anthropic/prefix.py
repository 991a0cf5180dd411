"""What the Anthropic API ties to the exact beginning of a request: the prompt cache and preserved thinking.

Both compare content, not bytes: `cache_control` may move and a string may become a list of one text
block without anything being different.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.fakes.provider.anthropic.models import Claude
from tests.fakes.provider.fake import Rejected, encode
from tests.fakes.provider.script import Json
from tests.fakes.provider.tokens import tokens_of

THINKING = ("thinking", "redacted_thinking")
_BILLING = "x-anthropic-billing-header:"
_IMAGE_TOKENS = 1200
_LOOKBACK = 20
_SECONDS = {"5m": 300.0, "1h": 3600.0}


def blocks_of(content: Json) -> list[Json]:
    """Content as a list of blocks, however it was written."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or [])


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of the prompt. `ttl`: of the cache breakpoint on it. `path` is as errors name it."""

    path: str
    role: str
    block: Json
    content: bytes
    tokens: int
    ttl: str | None


def units(body: Mapping[str, Json]) -> list[Unit]:
    """The prompt's pieces in the order in which they are cached: tools, system, messages."""
    return list(_units(body))


def _units(body: Mapping[str, Json]) -> Iterator[Unit]:
    for index, tool in enumerate(body.get("tools") or []):
        yield _unit(f"tools.{index}", "tools", tool)
    for index, block in enumerate(blocks_of(body.get("system"))):
        if index == 0 and str(block.get("text", "")).startswith(_BILLING):
            continue  # read by the API itself; no part of the prompt
        yield _unit(f"system.{index}", "system-prompt", block)
    for at, message in enumerate(body.get("messages") or []):
        for index, block in enumerate(blocks_of(message["content"])):
            yield _unit(f"messages.{at}.content.{index}", message["role"], block)


def _unit(path: str, role: str, block: Json) -> Unit:
    control = block.get("cache_control")
    ttl = (control.get("ttl") or "5m") if control else None
    return Unit(path, role, block, canonical(block), size(block), ttl)


def canonical(block: Json) -> bytes:
    """The same for blocks that mean the same. The order of keys inside a tool's input stays: the model sees it."""
    match block.get("type"):
        case "text":
            return encode(["text", block["text"], block.get("citations") or []])
        case "tool_use":
            return encode(["tool_use", block["id"], block["name"], block["input"]])
        case "tool_result":
            inside = [canonical(part).decode() for part in blocks_of(block.get("content"))]
            return encode(["tool_result", block["tool_use_id"], inside, bool(block.get("is_error"))])
    return encode(sorted((k, v) for k, v in block.items() if k not in ("cache_control", "caller") and v is not None))


def size(block: Json) -> int:
    match block.get("type"):
        case "text":
            return tokens_of(block["text"])
        case "image":
            return _IMAGE_TOKENS
        case "tool_result":
            return 4 + sum(size(part) for part in blocks_of(block.get("content")))
        case "thinking":
            return tokens_of(block.get("thinking", "")) or 8
        case "redacted_thinking":
            return 8
    return tokens_of(encode({k: v for k, v in block.items() if k != "cache_control"}).decode())


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens of a prompt: neither read from the cache nor written into it, read, and written by lifetime."""

    input: int
    cached: int
    written: dict[str, int]

    @property
    def total(self) -> int:
        return self.input + self.cached + sum(self.written.values())

    def usage(self) -> Json:
        return {
            "input_tokens": self.input,
            "cache_creation_input_tokens": sum(self.written.values()),
            "cache_read_input_tokens": self.cached,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written.get("5m", 0),
                "ephemeral_1h_input_tokens": self.written.get("1h", 0),
            },
        }


@dataclass
class PromptCache:
    """Prefixes that were written, by their digest: until when they stay, and for how long a use prolongs them."""

    _until: dict[bytes, tuple[float, str]] = field(default_factory=dict)

    def bill(self, prompt: Sequence[Unit], body: Mapping[str, Json], model: Claude, now: float, key: str) -> Prompt:
        """What this request reads and writes, both remembered."""
        # Each model and each account has a cache of its own.
        ends, total, chain, settings = [], 0, f"{model.id} {key}".encode(), _settings(body)
        for unit in prompt:
            if settings and unit.path.startswith("messages."):
                chain, settings = chain + settings, b""
            chain = hashlib.blake2b(chain + unit.role.encode() + unit.content, digest_size=16).digest()
            total += unit.tokens
            ends.append((chain, total))
        total += 3  # what the API puts around a prompt
        marks = [(at, unit.ttl) for at, unit in enumerate(prompt) if unit.ttl]
        if body.get("cache_control") and prompt:
            marks.append((len(prompt) - 1, body["cache_control"].get("ttl") or "5m"))
        marks = [(at, ttl) for at, ttl in marks if ends[at][1] >= model.cache_from]
        cached = self._read(marks, ends, now)
        done, written = cached, dict[str, int]()
        for at, ttl in marks:
            digest, size_there = ends[at]
            if size_there > done:
                written[ttl] = written.get(ttl, 0) + size_there - done
                done = size_there
            self._until[digest] = (now + _SECONDS[ttl], ttl)
        return Prompt(total - done, cached, written)

    def _read(self, marks: Sequence[tuple[int, str]], ends: Sequence[tuple[bytes, int]], now: float) -> int:
        """The longest living prefix that ends at a breakpoint or up to twenty blocks before one."""
        for mark, _ in reversed(marks):
            for at in range(mark, max(-1, mark - _LOOKBACK), -1):
                until, ttl = self._until.get(ends[at][0], (0.0, "5m"))
                if until > now:
                    self._until[ends[at][0]] = (now + _SECONDS[ttl], ttl)
                    return ends[at][1]
        return 0


def _settings(body: Mapping[str, Json]) -> bytes:
    """What a change of invalidates the messages' part of a cached prefix, but not the tools and the system's."""
    return encode([body.get("thinking"), body.get("tool_choice")])


@dataclass
class Chain:
    """A running digest of everything but thinking, and the last thinking block on the way."""

    _state: bytes = b""
    _role: str = ""
    last: str = ""

    def add(self, role: str, block: Json) -> None:
        kind = block.get("type")
        if kind in THINKING:
            self.last = block.get("signature") or block.get("data") or ""
            return
        head = role.encode() if role != self._role else b""
        self._role = role
        self._state = hashlib.blake2b(self._state + head + b"\0" + canonical(block), digest_size=12).digest()

    def digest(self) -> bytes:
        return self._state


class Signer:
    """Signs thinking, and tells what has become of it when it comes back."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, model: Claude, chain: Chain, text: str) -> str:
        """Over the model, what is before the block, the thinking block before it, and the thinking itself."""
        parts = (model.id.encode(), chain.digest().hex().encode(), _short(chain.last.encode()), _short(text.encode()))
        signed = b"|".join(parts)
        return base64.b64encode(signed + b"|" + self._mac(signed)).decode()

    def check(self, prompt: Sequence[Unit], body: Mapping[str, Json], model: Claude) -> list[str]:
        """Paths of the blocks that are dropped without an error, since this model can't read them.

        Raises `Rejected` for a block that no model made, was changed, or was made after something else (that last
        one can be asked to be dropped too).
        """
        if not any(unit.block.get("type") in THINKING for unit in prompt):
            return []
        chain, unreadable = Chain(), list[str]()
        binding = (body.get("thinking") or {}).get("block_binding") or {}
        lenient = binding.get("prefix_mismatch_behavior") == "drop_block"
        for unit in prompt:
            if unit.block.get("type") in THINKING and not self._readable(unit, model, chain, lenient):
                unreadable.append(unit.path)
            chain.add(unit.role, unit.block)
        return unreadable

    def _readable(self, unit: Unit, model: Claude, chain: Chain, lenient: bool) -> bool:
        kind = unit.block["type"]
        word, text = ("signature", unit.block.get("thinking")) if kind == "thinking" else ("data", None)
        invalid = f"{unit.path}: Invalid `{word}` in `{kind}` block"
        try:
            signed, _, mac = base64.b64decode(unit.block[word], validate=True).rpartition(b"|")
            producer, before, last, thought = signed.split(b"|")
        except ValueError:
            raise Rejected(400, "invalid_request_error", invalid) from None
        if not hmac.compare_digest(mac, self._mac(signed)) or (text is not None and _short(text.encode()) != thought):
            raise Rejected(400, "invalid_request_error", invalid)
        if producer.decode() not in (model.id, "claude-haiku-5-5"):
            return False
        moved = chain.last and _short(chain.last.encode()) != last
        if model.preserved and (before != chain.digest().hex().encode() or moved):
            if lenient:
                return False
            raise Rejected(
                400,
                "invalid_request_error",
                f"{invalid}. The block is bound to a different conversation. Remove the block, or set "
                '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block".',
            )
        return True

    def _mac(self, signed: bytes) -> bytes:
        return _short(self._secret + signed)


def _short(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=12).hexdigest().encode()
