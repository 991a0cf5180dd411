"""One `Settings` object, read once from the environment and `athena.toml`, passed down.

Precedence: environment, then `$ATHENA_HOME/athena.toml`, then the defaults here.
A setting exists only if two users would set it differently. A wrong value is one
line that names the setting (`InvalidSetting`), raised at start and nowhere later.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from athena.errors import InvalidSetting

# `published`: in a container whose port is published on loopback only. It listens on all of the container's addresses
# and asks of each request what `loopback` asks.
Exposure = Literal["loopback", "published", "network"]


class RateLimit(BaseModel):
    """`llama.rateLimit`: how many requests the local reasoning model takes, and what becomes of those beyond that:
    they go to the next tier that may answer (`spill`), or wait, `queueSize` of them at most (`queue`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    enabled: bool = True
    requestsPerMinute: Annotated[int, Field(ge=1)] = 30
    burstSize: Annotated[int, Field(ge=1)] = 5
    whenFull: Literal["spill", "queue"] = "spill"
    queueSize: Annotated[int, Field(ge=0)] = 32


class Hardware(BaseModel):
    """`llama.hardware`: unset means detected."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    useGPU: bool | None = None
    gpuLayers: Annotated[int, Field(ge=0)] | None = None
    threads: Annotated[int, Field(ge=1)] | None = None
    useMetal: bool | None = None
    useCUDA: bool | None = None


class Llama(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    rateLimit: RateLimit = RateLimit()
    hardware: Hardware = Hardware()


class Tier(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    models: list[str]


class ModelRouting(BaseModel):
    """`modelRouting`: tiers are ordered lists of models. A table that names only the six well-known tiers changes
    those; one that names any other tier is the whole list, cheapest first, in its order."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    enabled: bool = True
    autoSelect: bool = True
    tiers: dict[str, Tier] = {}


class ProviderSettings(BaseModel):
    """`[providers.NAME]`: any server that speaks OpenAI's or Anthropic's wire. `url` as in Settings: of an Anthropic
    wire without `/v1`. `key_env` names the environment variable that holds its key; without one it needs none.
    `local`: it is a machine of the user's own, so it may be used in local-only mode and costs nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str
    wire: Literal["openai", "anthropic"] = "openai"
    key_env: str | None = None
    key: Annotated[SecretStr | None, Field(exclude=True)] = None
    local: bool = False

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        return _checked_url(value)


class Consolidation(BaseModel):
    """`[consolidation]`: `schedule` is a cron expression in UTC, or "off". `model`: whether the local model is asked
    about what statistics leave open, for at most `askingMinutes` in a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schedule: str = Field(default="0 3 * * *", json_schema_extra={"env": "ATHENA_CONSOLIDATION_SCHEDULE"})
    model: bool = True
    askingMinutes: Annotated[int, Field(ge=1, le=1440)] = 60

    @field_validator("schedule")
    @classmethod
    def _schedule(cls, value: str) -> str:
        words = value.split()
        if [word.lower() for word in words] in ([], [_OFF]):
            return _OFF
        if len(words) != _CRON_FIELDS or _next(value) is None:
            raise ValueError('must be five fields of cron (UTC) such as "0 3 * * *", or off')
        return " ".join(words)

    @property
    def cron(self) -> str | None:
        """None: never by itself."""
        return None if self.schedule == _OFF else self.schedule

    @property
    def next_at(self) -> datetime | None:
        return _next(self.cron) if self.cron else None


def _next(cron: str) -> datetime | None:
    """The next moment that fits; None where there is none, or the expression isn't one."""
    # Slow to import, and few set it.
    from croniter import CroniterError, croniter  # type: ignore[import-untyped]

    try:
        at: float = croniter(cron, datetime.now(UTC)).get_next(float)
    except (CroniterError, ValueError):
        return None
    return datetime.fromtimestamp(at, UTC)


ProviderName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
_CRON_FIELDS = 5
_OFF = "off"
# Tags of Ollama's library: what the strategy calls fast, balanced and smart on a small machine.
ALIASES = {
    "local-fast": "ollama/llama3.1:8b",
    "local-brain": "ollama/qwen2.5:14b",
    "local-smart": "ollama/qwen2.5:32b-instruct-q4_K_M",
}


def _checked_url(value: str) -> str:
    if not value.startswith(("http://", "https://")) or value.rstrip("/").endswith(":"):
        raise ValueError("must be a URL that begins with http:// or https://")
    return value.rstrip("/")


def _env(name: str) -> Any:
    """A field that is read from the environment variable `name` (and from the file by its own name)."""
    return {"env": name}


class Settings(BaseModel):
    """Everything two users would set differently. URLs have no trailing slash."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(Path("~/.athena"), json_schema_extra=_env("ATHENA_HOME"))
    host: str = Field("127.0.0.1", json_schema_extra=_env("ATHENA_HOST"))
    port: int = Field(8000, ge=1, le=65535, json_schema_extra=_env("ATHENA_PORT"))
    exposure: Exposure = Field("loopback", json_schema_extra=_env("ATHENA_EXPOSURE"))
    database_url: SecretStr | None = Field(None, json_schema_extra=_env("ATHENA_DATABASE_URL"))

    embeddings_url: str = Field("http://localhost:8001", json_schema_extra=_env("LLAMACPP_EMBEDDINGS_URL"))
    reasoning_url: str = Field("http://localhost:8002", json_schema_extra=_env("LLAMACPP_REASONING_URL"))
    embedding_dim: int | None = Field(None, ge=1, le=4000, json_schema_extra=_env("LLAMACPP_EMBEDDING_DIM"))
    n_threads: int | None = Field(None, ge=1, json_schema_extra=_env("LLAMACPP_N_THREADS"))
    n_threads_batch: int | None = Field(None, ge=1, json_schema_extra=_env("GGML_NUM_THREADS_BATCH"))
    embeddings_port: int = Field(8001, ge=1, le=65535, json_schema_extra=_env("ATHENA_EMBEDDINGS_PORT"))
    reasoning_port: int = Field(8002, ge=1, le=65535, json_schema_extra=_env("ATHENA_REASONING_PORT"))
    compressor_port: int = Field(8003, ge=1, le=65535, json_schema_extra=_env("ATHENA_COMPRESSOR_PORT"))
    reasoning_context: int = Field(8192, ge=512, json_schema_extra=_env("ATHENA_REASONING_CONTEXT"))
    embedding_model: str | None = Field(None, json_schema_extra=_env("ATHENA_EMBEDDING_MODEL"))
    reasoning_model: str | None = Field(None, json_schema_extra=_env("ATHENA_REASONING_MODEL"))

    anthropic_api_key: SecretStr | None = Field(None, json_schema_extra=_env("ANTHROPIC_API_KEY"))
    anthropic_url: str = Field("https://api.anthropic.com", json_schema_extra=_env("ATHENA_ANTHROPIC_URL"))
    openai_api_key: SecretStr | None = Field(None, json_schema_extra=_env("OPENAI_API_KEY"))
    openai_url: str = Field("https://api.openai.com/v1", json_schema_extra=_env("ATHENA_OPENAI_URL"))
    google_api_key: SecretStr | None = Field(None, json_schema_extra=_env("GEMINI_API_KEY"))
    google_url: str = Field(
        "https://generativelanguage.googleapis.com/v1beta/openai", json_schema_extra=_env("ATHENA_GOOGLE_URL")
    )
    ollama_url: str = Field("http://localhost:11434", json_schema_extra=_env("ATHENA_OLLAMA_URL"))
    compressor_url: str = Field("http://localhost:8003", json_schema_extra=_env("ATHENA_COMPRESSOR_URL"))
    hf_endpoint: str = Field("https://huggingface.co", json_schema_extra=_env("HF_ENDPOINT"))
    hf_token: SecretStr | None = Field(None, json_schema_extra=_env("HF_TOKEN"))

    # What may be asked while local-only mode is on, beside loopback: names, addresses, networks.
    local_hosts: tuple[str, ...] = Field((), json_schema_extra=_env("ATHENA_LOCAL_HOSTS"))
    # True: always on, whatever the switch says.
    local_only: bool = Field(False, json_schema_extra=_env("ATHENA_LOCAL_ONLY"))

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", json_schema_extra=_env("ATHENA_LOG_LEVEL"))
    log_format: Literal["auto", "json", "pretty"] = Field("auto", json_schema_extra=_env("ATHENA_LOG_FORMAT"))
    # Seconds in which Athena, told to stop, serves on but says at /health/live and /health/ready that it goes: whoever
    # spreads requests over several of them has to notice before one is refused.
    leave_s: int = Field(0, ge=0, le=60, json_schema_extra=_env("ATHENA_LEAVE_S"))
    # Seconds that requests under way are given then.
    drain_s: int = Field(4, ge=0, le=3600, json_schema_extra=_env("ATHENA_DRAIN_S"))
    max_body_bytes: int = Field(32 * 1024 * 1024, ge=1024, json_schema_extra=_env("ATHENA_MAX_BODY_BYTES"))

    llama: Llama = Llama()
    consolidation: Consolidation = Consolidation()
    modelRouting: ModelRouting = ModelRouting()
    providers: dict[ProviderName, ProviderSettings] = {}
    aliases: Annotated[dict[str, str], Field(validate_default=True)] = {}

    @field_validator("aliases")
    @classmethod
    def _with_defaults(cls, value: dict[str, str]) -> dict[str, str]:
        return {**ALIASES, **value}

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return Path(os.path.abspath(value.expanduser()))

    @field_validator(
        "embeddings_url",
        "reasoning_url",
        "anthropic_url",
        "openai_url",
        "google_url",
        "ollama_url",
        "compressor_url",
        "hf_endpoint",
    )
    @classmethod
    def _url(cls, value: str) -> str:
        return _checked_url(value)

    @field_validator("local_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: Any) -> Any:
        """A list in the file, words with commas between them in the environment; hosts, not URLs."""
        hosts = [each.strip() for each in value.split(",")] if isinstance(value, str) else value
        if isinstance(hosts, (list, tuple)) and any("://" in str(each) or "*" in str(each) for each in hosts):
            raise ValueError("must be host names, addresses or networks such as 192.168.1.0/24")
        return [each for each in hosts if each] if isinstance(hosts, (list, tuple)) else hosts

    @field_validator("database_url")
    @classmethod
    def _dsn(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must be an address that begins with postgresql://")
        return value

    @model_validator(mode="after")
    def _beyond_loopback_means_all_addresses(self) -> Settings:
        if self.exposure != "loopback" and "host" not in self.model_fields_set:
            self.__dict__["host"] = "0.0.0.0"  # noqa: S104 - asked for
        return self

    @model_validator(mode="after")
    def _bind_matches_exposure(self) -> Settings:
        if self.exposure == "loopback" and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(
                f"ATHENA_HOST={self.host} is not loopback: set ATHENA_EXPOSURE=network (which needs a key) or leave it;"
                " published, if this is a container whose port is published on loopback only"
            )
        return self

    @model_validator(mode="after")
    def _urls_follow_ports(self) -> Settings:
        # Written past `model_fields_set`: a URL that was given means a server of the user's own.
        for role in ("embeddings", "reasoning", "compressor"):
            if f"{role}_url" not in self.model_fields_set:
                self.__dict__[f"{role}_url"] = f"http://localhost:{getattr(self, f'{role}_port')}"
        return self

    @property
    def models_dir(self) -> Path:
        return self.home / "models"

    @property
    def run_dir(self) -> Path:
        """Sockets, pid files: what exists only while something runs."""
        return self.home / "run"

    @property
    def spool_dir(self) -> Path:
        """Rows of use on their way to the database. Must outlive the process: in a container, on a volume."""
        return self.home / "spool"

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"


def _variables(model: type[BaseModel], table: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    for field, about in model.model_fields.items():
        extra, type_ = about.json_schema_extra, about.annotation
        if isinstance(extra, dict):
            yield (*table, field), str(extra["env"])
        elif isinstance(type_, type) and issubclass(type_, BaseModel):
            yield from _variables(type_, (*table, field))


# The environment variable of each setting that has one; a setting in a table by the table's name and its own.
VARIABLES: Final = dict(_variables(Settings))


def load(environ: dict[str, str] | None = None) -> Settings:
    """Read the settings. Raises `InvalidSetting`, one line, naming the setting."""
    env = dict(os.environ if environ is None else environ)
    home = Path(env.get("ATHENA_HOME") or "~/.athena").expanduser()
    values = _read_file(home / "athena.toml")
    for (*tables, field), name in VARIABLES.items():
        # An empty variable is how compose files say "not set".
        if env.get(name):
            table = values
            for each in tables:
                table = table.setdefault(each, {})
            # What should be a table and isn't is for the validation to say.
            if isinstance(table, dict):
                table[field] = env[name]
    if env.get("GGML_NUM_THREADS") and not env.get("LLAMACPP_N_THREADS"):
        values["n_threads"] = env["GGML_NUM_THREADS"]
    values["home"] = home
    _take_keys(values.get("providers"), env)
    try:
        return Settings(**values)
    except ValidationError as exc:
        raise InvalidSetting(_first_error(exc)) from exc


def _take_keys(providers: Any, env: dict[str, str]) -> None:
    """The keys that `providers.NAME.key_env` name; what isn't a table is left for the validation to say."""
    for each in providers.values() if isinstance(providers, dict) else ():
        if isinstance(each, dict):
            if "key" in each:
                raise InvalidSetting("providers: a key doesn't belong in athena.toml; name its variable with key_env")
            each["key"] = env.get(str(each.get("key_env"))) or None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise InvalidSetting(f"{path}: {exc}") from exc
    except OSError as exc:
        raise InvalidSetting(f"{path} can't be read: {exc.strerror}") from exc


def _first_error(exc: ValidationError) -> str:
    error = exc.errors(include_url=False, include_context=False)[0]
    location = [str(part) for part in error["loc"]]
    if not location:
        return str(error["msg"]).removeprefix("Value error, ")
    field = location[0]
    env = VARIABLES.get(tuple(location)) or VARIABLES.get((field,))
    dotted = ".".join(location)
    name = f"{env} ({dotted} in athena.toml)" if env else f"{dotted} in athena.toml"
    given = "" if "key" in field or "token" in field or field == "database_url" else f", got {error['input']!r}"
    return f"{name}: {str(error['msg']).removeprefix('Value error, ')}{given}"
