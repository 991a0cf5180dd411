"""The tiny reasoner with one word more, for calling tools, and a template as strict as those of real models.

A model of random weights never writes `<tool_call>` by itself. This one knows it as a single token that it likes;
from there on the server's grammar makes it a call of a tool that was offered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.fakes.tiny_models import tiny_reasoner

_CALL = "<tool_call>"
_END = "<|im_end|>"
_LIKES_TO_CALL, _LIKES_TO_END = 3.0, 4.5  # an end wins where the grammar allows one

# What Qwen's templates do, in short: a system message that isn't the first is an error, and content is text.
TEMPLATE = (
    "{%- if tools or messages[0].role == 'system' %}<|im_start|>system\n"
    "{%- if messages[0].role == 'system' %}{{ messages[0].content }}{% endif %}"
    "{%- if tools %}\n\n# Tools\n<tools>{% for tool in tools %}\n{{ tool | tojson }}{% endfor %}\n</tools>\n"
    'Answer with <tool_call>{"name": <function-name>, "arguments": <args-json-object>}</tool_call>'
    "{% endif %}<|im_end|>\n{% endif %}"
    "{%- for message in messages %}"
    "{%- if message.role == 'system' and not loop.first %}"
    "{{ raise_exception('System message must be at the beginning.') }}{% endif %}"
    "{%- if message.role == 'user' %}<|im_start|>user\n{{ message.content }}<|im_end|>\n"
    "{%- elif message.role == 'tool' %}<|im_start|>user\n<tool_response>\n{{ message.content }}\n</tool_response>"
    "<|im_end|>\n"
    "{%- elif message.role == 'assistant' %}<|im_start|>assistant\n{{ message.content or '' }}"
    "{%- for call in message.tool_calls or [] %}<tool_call>"
    '{"name": "{{ call.function.name }}", "arguments": '
    "{{ call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}}"
    "</tool_call>{% endfor %}<|im_end|>\n{% endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n"
    "{%- if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


def tiny_tool_caller(path_dir: Path, context: int = 16384) -> Path:
    """Made once per folder."""
    path = path_dir / "tiny-tool-caller.gguf"
    if not path.exists():
        part = path.with_suffix(".making")
        _rewrite(gguf.GGUFReader(tiny_reasoner(path_dir, "for-tool-caller", context)), part)
        part.replace(path)
    return path


def _rewrite(source: Any, path: Path) -> None:
    tokens = [*source.fields["tokenizer.ggml.tokens"].contents(), _CALL]
    replaced = {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [
            *source.fields["tokenizer.ggml.token_type"].contents(),
            gguf.TokenType.USER_DEFINED,
        ],
        "tokenizer.chat_template": TEMPLATE,
    }
    writer = gguf.GGUFWriter(path, source.fields["general.architecture"].contents())
    for name, field in source.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        inner = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, replaced.get(name, field.contents()), field.types[0], inner)
    for tensor in source.tensors:
        writer.add_tensor(tensor.name, _grown(tensor.name, np.array(tensor.data), tokens))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _grown(name: str, data: np.ndarray[Any, Any], tokens: list[str]) -> np.ndarray[Any, Any]:
    """One row more where there is one per token; the first dimension of an output row is how much a token is liked."""
    if name not in ("token_embd.weight", "output.weight"):
        return data
    row = np.zeros((1, data.shape[1]), data.dtype)
    row[0, 0] = 4.0 if name == "token_embd.weight" else _LIKES_TO_CALL
    grown = np.concatenate([data, row])
    if name == "output.weight":
        grown[tokens.index(_END), 0] = _LIKES_TO_END
    return grown
