"""The HTTP contract, against the running service."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import World
from service import serving

MAX_CHARS = 300_000


@pytest.fixture(scope="module")
def address(worlds: dict[str, World], models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    stem = worlds["mbert"].architecture.file_stem
    for path in worlds["mbert"].checkpoint.iterdir():
        link = models_dir / f"{stem}.{path.name.removeprefix('model.')}"
        link.unlink(missing_ok=True)
        link.symlink_to(path)
    log = tmp_path_factory.mktemp("log") / "log"
    models = "mbert:int8,mbert:fp32,xlmr:int8,mbert:llmlingua"
    with serving(models_dir, log, models=models, queue="2", max_chars=str(MAX_CHARS)) as found:
        yield found


def post(address: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{address}/compress", json=body, timeout=120)


def test_text_becomes_shorter_text(address: str, prose: str) -> None:
    text = prose[:4000]
    found = post(address, text=text, ratio=0.5).raise_for_status().json()
    (segment,) = found["segments"]
    assert segment["text"] == "".join(text[start:end] for start, end in segment["kept"])
    assert 0.4 * found["tokens_before"] < found["tokens_after"] <= 0.52 * found["tokens_before"]
    assert (found["engine"], found["model"], found["precision"], found["strict"]) == ("fast", "mbert", "int8", False)
    assert found["latency_ms"] > 0


@pytest.mark.parametrize("engine", ["fast", "llmlingua"])
def test_segments_spans_and_strict(address: str, prose: str, engine: str) -> None:
    text = "Größe 🙂 /etc/пароль is secret. " + prose[:2500]
    start = text.index("/etc")
    end = text.index(" is secret")
    segments = [{"text": text, "protected": [[start, end]]}, {"text": ""}, {"text": prose[2500:3000]}]
    found = post(address, segments=segments, ratio=0.3, engine=engine, strict=True, forced_tokens=["\n"])
    answer = found.raise_for_status().json()
    assert [answer["engine"], answer["strict"], answer["precision"]] == [engine, True, "fp32"]
    assert "/etc/пароль" in answer["segments"][0]["text"]
    assert answer["segments"][1] == {"text": "", "kept": [], "lost": [], "tokens_before": 0, "tokens_after": 0}
    assert sum(segment["tokens_after"] for segment in answer["segments"]) == answer["tokens_after"]
    for given, got in zip(segments, answer["segments"], strict=True):
        assert got["text"] == "".join(str(given["text"])[a:b] for a, b in got["kept"])


def test_both_engines_keep_the_same_words_over_http(address: str, prose: str) -> None:
    asked = {"text": prose[6000:9000], "ratio": 0.5, "strict": True}
    ours, theirs = (post(address, **asked, engine=engine).json()["segments"][0] for engine in ("fast", "llmlingua"))
    shared = {tuple(span) for span in ours["kept"]} & {tuple(span) for span in theirs["kept"]}
    assert len(shared) >= 0.98 * len(theirs["kept"])


def test_a_model_can_be_chosen_and_a_target_given(address: str, prose: str) -> None:
    found = post(address, text=prose[:3000], target_tokens=100, model="xlmr").raise_for_status().json()
    assert found["model"] == "xlmr"
    assert 80 <= found["tokens_after"] <= 105


def test_health_and_metrics(address: str) -> None:
    post(address, text="one two three four", ratio=0.5)
    health = httpx.get(f"{address}/health").json()
    assert health["status"] == "ok"
    assert health["engine"] == "fast"
    assert health["queue"] == {"waiting": 0, "limit": 2}
    assert {"model": "mbert", "precision": "int8", "engine": "fast", "strict": False} in health["models"]
    assert {"model": "mbert", "precision": "fp32", "engine": "llmlingua", "strict": True} in health["models"]
    metrics = httpx.get(f"{address}/metrics").text
    assert 'compressor_requests_total{outcome="ok"}' in metrics
    assert "compressor_ready 1.0" in metrics


BAD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "both": {"text": "a", "segments": [{"text": "a"}], "ratio": 0.5},
    "no target": {"text": "a"},
    "two targets": {"text": "a", "ratio": 0.5, "target_tokens": 3},
    "ratio of nothing": {"text": "a", "ratio": 0},
    "ratio over one": {"text": "a", "ratio": 1.5},
    "span outside": {"segments": [{"text": "abc", "protected": [[1, 4]]}], "ratio": 0.5},
    "span reversed": {"text": "abc", "protected": [[2, 1]], "ratio": 0.5},
    "unknown field": {"text": "a", "ratio": 0.5, "temperature": 1},
    "unknown engine": {"text": "a", "ratio": 0.5, "engine": "gpt"},
    "too many forced": {"text": "a", "ratio": 0.5, "forced_tokens": [str(at) for at in range(101)]},
    "number as text": {"text": 5, "ratio": 0.5},
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_input_is_400_in_the_common_form(address: str, name: str) -> None:
    found = post(address, **BAD[name])
    assert found.status_code == 400
    error = found.json()["error"]
    assert set(error) == {"code", "message", "source", "hint"}
    assert (error["code"], error["source"]) == ("invalid_input", "client")


@pytest.mark.parametrize("body", [b"", b"{", b'"text"', b"\xff\xfe", b'{"text": "\\ud800", "ratio": 0.5}'])
def test_bytes_that_are_no_request_are_400(address: str, body: bytes) -> None:
    assert httpx.post(f"{address}/compress", content=body).status_code == 400


def test_too_much_is_413(address: str) -> None:
    found = post(address, text="x" * (MAX_CHARS + 1), ratio=0.5)
    assert found.status_code == 413
    assert found.json()["error"]["code"] == "too_large"
    enormous = json.dumps({"text": "y" * (13 * MAX_CHARS + (1 << 20)), "ratio": 0.5}).encode()
    assert httpx.post(f"{address}/compress", content=enormous, timeout=60).status_code == 413


def test_what_is_not_loaded_is_503(address: str) -> None:
    found = post(address, text="some text", ratio=0.5, model="xlmr", strict=True)
    assert found.status_code == 503
    assert found.headers["retry-after"] == "60"
    assert "COMPRESSOR_MODELS" in found.json()["error"]["hint"]


def test_web_pages_and_foreign_names_are_refused(address: str) -> None:
    for headers in ({"origin": "http://localhost:3000"}, {"host": "evil.example"}):
        found = httpx.post(f"{address}/compress", json={"text": "a", "ratio": 0.5}, headers=headers)
        assert found.status_code == 403


def test_a_deadline_that_is_too_near_is_said_at_once(address: str, prose: str) -> None:
    post(address, text=prose[:20_000], ratio=0.5).raise_for_status()
    started = time.monotonic()
    found = post(address, text=prose[:250_000], ratio=0.5, deadline_ms=20)
    assert found.status_code == 503
    assert found.json()["error"]["code"] == "deadline_exceeded"
    assert time.monotonic() - started < 2


async def test_a_full_queue_is_503_and_the_others_are_served(address: str, prose: str) -> None:
    async with httpx.AsyncClient(timeout=120) as client:
        body = {"text": prose[:150_000], "ratio": 0.5}
        answers = await asyncio.gather(*(client.post(f"{address}/compress", json=body) for _ in range(7)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 3 + [503] * 4
    for answer in answers:
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["error"]["code"] == "busy"


async def test_a_client_that_leaves_frees_the_engine(address: str, prose: str) -> None:
    async with httpx.AsyncClient(timeout=120) as client:
        body = {"text": prose[:290_000], "ratio": 0.5, "strict": True}
        full = time.monotonic()
        (await client.post(f"{address}/compress", json=body)).raise_for_status()
        full = time.monotonic() - full
        for wait in (0.0, 0.4):
            leaving = asyncio.create_task(client.post(f"{address}/compress", json=body))
            queued = asyncio.create_task(client.post(f"{address}/compress", json=body))
            await asyncio.sleep(wait * full + 0.1)
            leaving.cancel()
            queued.cancel()
            await asyncio.wait({leaving, queued})
        started = time.monotonic()
        (await client.post(f"{address}/compress", json={"text": "still there", "ratio": 0.5})).raise_for_status()
        assert time.monotonic() - started < max(1.0, 0.8 * full)
        metrics = (await client.get(f"{address}/metrics")).text
        health = (await client.get(f"{address}/health")).json()
    assert 'compressor_requests_total{outcome="cancelled"}' in metrics
    assert health["queue"]["waiting"] == 0


def run_to_the_end(**settings: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {f"COMPRESSOR_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run([sys.executable, "-m", "compressor"], env=env, capture_output=True, text=True, timeout=60)


def test_without_weights_it_says_what_to_do_and_ends(tmp_path: Path) -> None:
    ended = run_to_the_end(models_dir=str(tmp_path))
    assert ended.returncode == 1
    assert "python -m compressor.export mbert" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"models": "gpt2"}, "COMPRESSOR_MODELS"),
        ({"models": "mbert:int3"}, "COMPRESSOR_MODELS"),
        ({"port": "seven"}, "COMPRESSOR_PORT"),
        ({"host": "0.0.0.0"}, "COMPRESSOR_EXPOSURE"),
        ({"host": "0.0.0.0", "exposure": "network"}, "COMPRESSOR_API_KEY"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, str], named: str) -> None:
    ended = run_to_the_end(**settings)
    assert ended.returncode == 1
    assert named in ended.stderr
    assert "Traceback" not in ended.stderr


def test_on_a_network_a_key_is_needed(models_dir: Path, worlds: dict[str, World], tmp_path: Path) -> None:
    with serving(models_dir, tmp_path / "log", exposure="network", api_key="s3cret") as address:
        body = {"text": "one two three", "ratio": 0.5}
        assert httpx.post(f"{address}/compress", json=body).status_code == 401
        for key, status in (("wrong", 401), ("s3cret", 200)):
            found = httpx.post(f"{address}/compress", json=body, headers={"authorization": f"Bearer {key}"})
            assert found.status_code == status
        assert httpx.get(f"{address}/metrics").status_code == 401
        assert httpx.get(f"{address}/health").status_code == 200
        assert "s3cret" not in (tmp_path / "log").read_text()


def test_the_light_server_never_loads_torch(models_dir: Path, worlds: dict[str, World]) -> None:
    code = (
        "import sys; from compressor import config, pool; "
        "[pool.check(s) or pool.load(s) for s in [config.load()]]; "
        "print(sorted({'torch', 'transformers', 'llmlingua', 'tiktoken'} & set(sys.modules)))"
    )
    env = os.environ | {"COMPRESSOR_MODELS_DIR": str(models_dir), "COMPRESSOR_MODELS": "mbert:int8"}
    ended = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert ended.stdout.strip() == "[]", ended.stderr
