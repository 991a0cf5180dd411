"""How processes are to be started: flags, places, threads; nothing is started here."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from athena.config import Settings
from athena.errors import StackError
from athena.runtime import hardware, llama
from athena.runtime.environment import environment
from athena.runtime.ports import CannotStart
from athena.runtime.postgres.place import can_enter, place
from athena.runtime.process import OsUser

SPEC = llama.Spec(
    role="embedding",
    path=Path("/models/e.gguf"),
    alias="e",
    port=8001,
    context=512,
    pooling="mean",
    threads=2,
    threads_batch=2,
    gpu_layers=None,
    quantize_cache=True,
)


def value(argv: list[str], flag: str) -> str:
    return argv[argv.index(flag) + 1]


def test_an_embedder_takes_inputs_as_long_as_its_context() -> None:
    argv = llama.flags(SPEC)
    assert value(argv, "--ubatch-size") == value(argv, "--batch-size") == "512"
    assert int(value(argv, "--ctx-size")) == 512 * int(value(argv, "--parallel"))
    assert value(argv, "--pooling") == "mean"
    assert value(argv, "--host") == "127.0.0.1"
    assert "--n-gpu-layers" not in argv


def test_a_long_context_is_not_multiplied() -> None:
    argv = llama.flags(replace(SPEC, context=8192))
    assert (value(argv, "--parallel"), value(argv, "--ctx-size")) == ("1", "8192")


@pytest.mark.parametrize("divides", [True, False])
def test_the_reasoners_cache_is_quantized_where_the_heads_allow_it(divides: bool) -> None:
    argv = llama.flags(replace(SPEC, role="reasoning", pooling=None, quantize_cache=divides))
    assert ("--cache-type-k" in argv) is divides
    assert value(argv, "--ctx-size") == "512"
    assert "--embeddings" not in argv


def test_an_older_server_is_not_given_what_it_does_not_list() -> None:
    argv = llama.understood(llama.flags(SPEC), "--model FNAME\n--no-slots  hide them")
    assert "--cors-origins" not in argv
    assert "localhost" not in argv
    assert "--no-slots" in argv
    assert value(argv, "--model") == "/models/e.gguf"


@pytest.mark.parametrize(
    ("said", "code", "message", "final"),
    [
        ("error: couldn't bind HTTP server socket", 1, "port 8001 is taken", True),
        ("tensor 'x' data is not within the file bounds, model is corrupted or incomplete", 1, "is damaged", True),
        ("error loading model: unknown model architecture: 'qwen9'", 1, "doesn't know the architecture", True),
        ("ggml_backend_alloc: failed to allocate buffer", 1, "not enough memory", True),
        ("E srv: error: something else", 1, "something else", False),
        ("E srv: error: of long ago", -9, "killed by SIGKILL", False),
    ],
)
def test_last_words_are_told_apart(said: str, code: int, message: str, final: bool) -> None:
    error = llama.explain(["loading", said], code, SPEC, "embeddings")
    assert message in error.message
    assert isinstance(error, CannotStart) is final
    assert error.hint


def test_a_file_that_is_no_model_is_refused_before_the_start(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="missing"):
        llama.check_model(tmp_path / "none.gguf", "embedding")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF\x03\x00")
    with pytest.raises(CannotStart, match="damaged"):
        llama.check_model(tmp_path / "bad.gguf", "embedding")


def test_a_taken_port_is_refused_with_the_setting_that_moves_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart) as refused:
            llama.check_port(port, "reasoning")
    assert "ATHENA_REASONING_PORT" in (refused.value.hint or "")
    llama.check_port(port, "reasoning")


@pytest.mark.parametrize(
    ("text", "cpus"), [("max 100000", None), ("150000 100000", 1.5), ("50000 100000", 0.5), ("nonsense", None)]
)
def test_the_quota_of_a_container(tmp_path: Path, text: str, cpus: float | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert hardware.cgroup_quota(tmp_path) == cpus


def test_the_quota_of_an_older_container(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("200000")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert hardware.cgroup_quota(tmp_path) == 2.0


def test_threads_are_at_least_one_and_at_most_the_cores() -> None:
    assert 1 <= hardware.threads() <= (os.cpu_count() or 1)


def test_a_stranger_passes_only_where_every_folder_lets_him(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    owner = tmp_path.stat()
    him, me = OsUser("him", owner.st_uid + 7777, owner.st_gid + 7777), OsUser("me", owner.st_uid, owner.st_gid)
    (tmp_path / "a").chmod(0o700)
    assert not can_enter(inner, him)
    assert not can_enter(inner, None)
    assert can_enter(inner, me) or not can_enter(tmp_path, me)
    (tmp_path / "a").chmod(0o711)
    assert can_enter(inner, him) == can_enter(tmp_path, him)


def test_a_home_too_deep_for_a_socket_gets_a_short_folder_that_stays(tmp_path: Path) -> None:
    where = place(Settings(home=tmp_path / ("x" * 60) / ("y" * 60)))
    deep = replace(where, base=tmp_path / ("x" * 60) / ("y" * 60) / "pg")
    assert len(str(deep.socket / ".s.PGSQL.5432")) <= 100
    deep.base.mkdir(parents=True)
    deep.socket_record.write_text("/run/elsewhere\n")
    assert deep.socket == Path("/run/elsewhere")


def test_the_address_of_the_database_survives_odd_folder_names(tmp_path: Path) -> None:
    where = replace(place(Settings(home=tmp_path)), base=Path("/h/a b&c?d"))
    parts = urlsplit(where.dsn)
    assert parse_qs(parts.query)["host"] == ["/h/a b&c?d/run"]
    assert (parts.username, parts.path) == ("athena", "/athena")


def test_a_child_sees_the_settings_of_its_parent(tmp_path: Path) -> None:
    given = Settings(home=tmp_path, port=1234, embeddings_port=4321, anthropic_api_key="secret")
    seen = environment(given)
    assert seen["ATHENA_PORT"] == "1234"
    assert seen["LLAMACPP_EMBEDDINGS_URL"] == "http://127.0.0.1:4321"
    assert seen["ANTHROPIC_API_KEY"] == "secret"
    assert "ATHENA_EXPOSURE" not in seen, "what was not set stays the child's own default"


def test_a_server_elsewhere_keeps_its_address(tmp_path: Path) -> None:
    given = Settings(home=tmp_path, embeddings_url="http://gpu.example:8001")
    assert environment(given)["LLAMACPP_EMBEDDINGS_URL"] == "http://gpu.example:8001"


def test_a_server_binary_of_the_users_own_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    settings = Settings(home=tmp_path)
    assert llama.server_binary(settings) is None
    for folder in (tmp_path / "path", tmp_path / "bin"):
        folder.mkdir()
        (folder / "llama-server").touch(mode=0o755)
        assert llama.server_binary(settings) == folder / "llama-server"


def test_a_binary_that_does_not_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "llama-server").write_text("no program")
    with pytest.raises(StackError, match="can't be run"):
        llama.list_flags(tmp_path / "llama-server")
