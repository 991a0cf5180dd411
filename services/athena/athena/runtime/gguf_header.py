"""The few facts of a GGUF file that Athena needs, read from its first bytes.

Only the key-value part is read, and arrays (the vocabulary) are skipped: a
multi-gigabyte model costs a few megabytes of reading and no mapping.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from athena.errors import StackError

MAGIC = b"GGUF"

_Pooling = Literal["mean", "cls", "last", "none", "rank"]
_POOLING: dict[int, _Pooling] = {0: "none", 1: "mean", 2: "cls", 3: "last", 4: "rank"}
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# Elements and bytes of one block, by tensor type; an unlisted type counts as nothing.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 30: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
}  # fmt: skip
_MAX_STRING = 16 * 1024 * 1024
_MAX_KEYS = 65536


@dataclass(frozen=True, slots=True)
class Header:
    """`context_length` in tokens, `embedding_length` in dimensions; None where the file doesn't say."""

    architecture: str
    name: str | None
    context_length: int | None
    embedding_length: int | None
    pooling: _Pooling | None
    head_length: int | None = None


def looks_like_gguf(path: Path) -> bool:
    """Whether the file begins as a GGUF file does; False for a missing one."""
    try:
        with path.open("rb") as file:
            return file.read(4) == MAGIC
    except OSError:
        return False


def read(path: Path) -> Header:
    """Raises `StackError` for a file that is missing, cut short or not GGUF."""
    try:
        with path.open("rb") as file:
            _, values = _preamble(file)
    except OSError as exc:
        raise StackError(f"{path} can't be read: {exc.strerror}") from exc
    except (ValueError, KeyError, struct.error, UnicodeDecodeError) as exc:
        raise StackError(f"{path} is not a GGUF model, or is damaged ({exc})") from exc
    arch = str(values.get("general.architecture", ""))
    name = values.get("general.name")
    return Header(
        architecture=arch,
        name=str(name) if name is not None else None,
        context_length=_number(values.get(f"{arch}.context_length")),
        embedding_length=_number(values.get(f"{arch}.embedding_length")),
        pooling=_POOLING.get(_number(values.get(f"{arch}.pooling_type"), -1) or 0),
        head_length=_head_length(values, arch),
    )


def _head_length(values: dict[str, Any], arch: str) -> int | None:
    """Numbers per attention head, which decides how its cache can be quantized."""
    width, heads = (_number(values.get(f"{arch}.{key}")) for key in ("embedding_length", "attention.head_count"))
    return _number(values.get(f"{arch}.attention.key_length")) or (width // heads if width and heads else None)


def least_size(path: Path) -> int | None:
    """How many bytes the file must have for its last tensor to be there; None if the header is damaged."""
    try:
        with path.open("rb") as file:
            tensors, values = _preamble(file)
            ends = [_tensor_end(file) for _ in range(tensors)]
            alignment = _number(values.get("general.alignment")) or 32
            start = -(-file.tell() // alignment) * alignment
            return start + max(ends, default=0)
    except (OSError, ValueError, KeyError, struct.error, UnicodeDecodeError):
        return None


def _tensor_end(file: BinaryIO) -> int:
    """Reads one tensor's description; where its data ends, counted from the start of all data."""
    _text(file)
    (dimensions,) = _take(file, "<I")
    if dimensions > 8:
        raise ValueError(f"a tensor of {dimensions} dimensions")
    elements = int(math.prod(_take(file, f"<{dimensions}Q")))
    kind, offset = _take(file, "<IQ")
    block, size = _BLOCKS.get(kind, (1, 0))
    return int(offset) + -(-elements // block) * size


def _number(value: Any, default: int | None = None) -> int | None:
    return int(value) if isinstance(value, int) else default


def _preamble(file: BinaryIO) -> tuple[int, dict[str, Any]]:
    """The number of tensors, and the key-value part; leaves the file at the first tensor's description."""
    if file.read(4) != MAGIC:
        raise ValueError("its first bytes are not GGUF")
    version, tensors, keys = _take(file, "<IQQ")
    if version not in (2, 3) or keys > _MAX_KEYS or tensors > _MAX_KEYS:
        raise ValueError(f"version {version} with {keys} keys")
    values: dict[str, Any] = {}
    for _ in range(keys):
        key = _text(file)
        (kind,) = _take(file, "<I")
        values[key] = _value(file, kind)
    return tensors, values


def _take(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    size = struct.calcsize(layout)
    data = file.read(size)
    if len(data) != size:
        raise ValueError("it ends inside its header")
    return struct.unpack(layout, data)


def _text(file: BinaryIO) -> str:
    (length,) = _take(file, "<Q")
    if length > _MAX_STRING:
        raise ValueError(f"a string of {length} bytes")
    data = file.read(length)
    if len(data) != length:
        raise ValueError("it ends inside its header")
    return data.decode("utf-8", "replace")


def _value(file: BinaryIO, kind: int) -> Any:
    """A scalar or a string; None for an array, which is read past."""
    if kind == _STRING:
        return _text(file)
    if kind != _ARRAY:
        return _take(file, "<" + _SCALARS[kind])[0]
    of, count = _take(file, "<IQ")
    if of == _STRING:
        for _ in range(count):
            (length,) = _take(file, "<Q")
            file.seek(length, 1)
    else:
        file.seek(count * struct.calcsize(_SCALARS[of]), 1)
    return None
