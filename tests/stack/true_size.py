"""What the whole stack needs in memory, with models of the real size: python -m tests.stack.true_size

Random weights under the shapes of the default models: an embedder of BERT base's, a reasoner of Qwen3-4B's at four bits
with its vocabulary, and the compressor's multilingual BERT. Memory doesn't depend on what the numbers are. Brings up a
stack of its own, reads what the engine says of each container, idle and under load, and prints the README's table.
Takes 5 GB of disk and some minutes.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import uuid
from pathlib import Path
from typing import Any

import gguf
import httpx
import numpy as np

from athena.runtime import containers
from athena.runtime.fetch.gguf_bert import About, BertConfig, write
from tests.fakes.tiny_models import CHATML, bert_weights, wordpiece_vocabulary
from tests.stack.conftest import make_checkpoint
from tests.stack.stack import SERVING, Stack
from tests.stack.test_chaos import loaded

_WIDTH, _LAYERS, _HEADS, _KV_HEADS, _HEAD, _FFN, _VOCABULARY = 2560, 36, 32, 8, 128, 9728, 151_936
_LOAD_S = 60.0
_Q4, _Q8 = gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.Q8_0
Array = np.ndarray[Any, Any]


def embedder(path: Path) -> None:
    config = BertConfig(
        hidden_size=768,
        intermediate_size=3072,
        max_position_embeddings=2048,
        num_attention_heads=12,
        num_hidden_layers=12,
    )
    vocab = wordpiece_vocabulary()
    vocab += [f"[unused{number}]" for number in range(30_528 - len(vocab))]
    write(path, config, vocab, bert_weights(config, len(vocab), 0), About("true-size-embedder", "MIT"))


def reasoner(path: Path) -> None:
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name("true-size-reasoner")
    writer.add_context_length(32_768)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_FFN)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_KV_HEADS)
    writer.add_key_length(_HEAD)
    writer.add_value_length(_HEAD)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    _vocabulary(writer)
    _tensors(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _vocabulary(writer: gguf.GGUFWriter) -> None:
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    spelled = {**{byte: chr(byte) for byte in plain}, **{byte: chr(256 + at) for at, byte in enumerate(others)}}
    tokens = [spelled[byte] for byte in range(256)]
    tokens += [f"<|unused{number}|>" for number in range(_VOCABULARY - len(tokens) - 1)] + ["<|im_end|>"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * (_VOCABULARY - 256))
    writer.add_token_merges([f"{spelled[ord('t')]} {spelled[ord('h')]}"])
    writer.add_eos_token_id(_VOCABULARY - 1)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)


def _tensors(writer: gguf.GGUFWriter) -> None:
    writer.add_tensor("token_embd.weight", _blocks(_VOCABULARY, _WIDTH, _Q8), raw_dtype=_Q8)
    writer.add_tensor("output_norm.weight", np.ones(_WIDTH, np.float32))
    queries, keys = _HEADS * _HEAD, _KV_HEADS * _HEAD
    shapes = {
        "attn_q": (queries, _WIDTH),
        "attn_k": (keys, _WIDTH),
        "attn_v": (keys, _WIDTH),
        "attn_output": (_WIDTH, queries),
        "ffn_gate": (_FFN, _WIDTH),
        "ffn_up": (_FFN, _WIDTH),
        "ffn_down": (_WIDTH, _FFN),
    }
    # Every layer has the same numbers, which saves this process memory and the server none.
    made = {name: _blocks(rows, columns, _Q4) for name, (rows, columns) in shapes.items()}
    for layer in range(_LAYERS):
        for name, data in made.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", data, raw_dtype=_Q4)
        for name, width in (
            ("attn_norm", _WIDTH),
            ("ffn_norm", _WIDTH),
            ("attn_q_norm", _HEAD),
            ("attn_k_norm", _HEAD),
        ):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(width, np.float32))


def _blocks(rows: int, columns: int, kind: gguf.GGMLQuantizationType) -> Array:
    """Quantised numbers, as they lie in the file: a small scale, then 32 of them at random."""
    size = {_Q4: 18, _Q8: 34}[kind]
    data = np.random.default_rng(0).integers(0, 256, (rows, columns // 32, size), dtype=np.uint8)
    data[:, :, :2] = np.frombuffer(np.float16(0.002).tobytes(), np.uint8)
    return data.reshape(rows, -1)


async def measure(stack: Stack) -> dict[str, tuple[int, int, int]]:
    """Of each service: idle, most under load, limit; bytes."""
    idle = await _memory(stack)
    most = dict(idle)
    async with loaded(stack):
        asking = asyncio.create_task(_ask(stack))
        for _ in range(int(_LOAD_S / 2)):
            await asyncio.sleep(2)
            for service, used in (await _memory(stack)).items():
                most[service] = max(most[service], used)
        asking.cancel()
    limits = {each.service: each.memory_limit or 0 for each in await containers.look(stack.project)}
    return {service: (idle[service], most[service], limits[service]) for service in SERVING}


async def _ask(stack: Stack) -> None:
    """The reasoner and the compressor at work, one request after the other."""
    text = "The boat is moored in the harbour of Lisbon until the spring comes. " * 60
    ports = stack.settings
    async with httpx.AsyncClient(timeout=600) as http:
        while True:
            compress = {"text": text, "ratio": 0.5}
            await http.post(f"http://localhost:{ports['COMPRESSOR_PORT']}/compress", json=compress)
            reason = {"prompt": text[:800], "n_predict": 16}
            await http.post(f"http://localhost:{ports['REASONING_PORT']}/completion", json=reason)


async def _memory(stack: Stack) -> dict[str, int]:
    found = await containers.look(stack.project)
    return {each.service: each.memory or 0 for each in found if each.service in SERVING}


def main() -> int:
    project = f"athena-size-{uuid.uuid4().hex[:8]}"
    settings = {"EMBEDDINGS_MODEL": "e.gguf", "REASONING_MODEL": "r.gguf", "REASONING_CACHE_TYPE": "q8_0"}
    settings |= {"REASONING_CONTEXT": "8192", "EMBEDDINGS_CONTEXT": "2048"}
    stack = Stack(project, Path("/var/tmp") / project, settings)
    stack.folder.chmod(0o755)
    stack.models.chmod(0o777)
    try:
        embedder(stack.models / "e.gguf")
        reasoner(stack.models / "r.gguf")
        make_checkpoint(stack.models, "true")
        for file in stack.models.iterdir():
            file.chmod(0o644)
        stack.compose("run", "--rm", "--no-deps", "export", "mbert")
        stack.up()
        stack.wait_healthy(seconds=300)
        found = asyncio.run(measure(stack))
    finally:
        stack.down()
        shutil.rmtree(stack.folder)
    print("| container | idle | under load | limit |\n|---|---|---|---|")
    rows = [*found.items(), ("together", tuple(map(sum, zip(*found.values(), strict=True))))]
    for service, figures in rows:
        print(f"| `{service}` | " + " | ".join(f"{value / 2**20:,.0f}" for value in figures) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
