"""What the hub says of a file, and how its refusals read.

The protocol of huggingface.co, which mirrors (`HF_ENDPOINT`) speak too: `HEAD
/{repo}/resolve/{revision}/{path}` answers with the commit, the size and, for large
files, the sha256, and redirects to a storage host. The token goes to the hub's own
origin only, never to where it redirects.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from athena.config import Settings
from athena.errors import DownloadError
from athena.runtime.catalogue import Model

_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_HOPS = 5
_SHA256 = re.compile(r"[0-9a-f]{64}")


class HubUnreachable(DownloadError):
    """Nothing that speaks the hub's protocol answers: offline, blocked, or out of order."""

    status = 503
    code = "hub_unreachable"

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="check the network, or name a mirror: HF_ENDPOINT=https://…")


class TryAgain(Exception):
    """The answer may be another one in `after_s` seconds (429 and 5xx)."""

    def __init__(self, reason: str, after_s: float | None) -> None:
        super().__init__(reason)
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """`size` in bytes; `sha256` is None where the hub names none (small files)."""

    model: Model
    url: str
    commit: str
    size: int
    sha256: str | None


class Hub:
    """One hub, by its endpoint, as one user. `client` must not follow redirects by itself."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self._client = client
        self._token: SecretStr | None = settings.hf_token
        self.endpoint = settings.hf_endpoint
        self._origin = _origin(httpx.URL(self.endpoint))
        self.host = httpx.URL(self.endpoint).host

    async def describe(self, model: Model) -> RemoteFile:
        """Size, commit and hash. Raises `HubUnreachable`, `DownloadError`, `TryAgain`, `httpx.TransportError`."""
        url = self._resolve_url(model, model.revision)
        async with self._open("HEAD", url, {}, follow_to_storage=False) as response:
            if response.status_code not in (200, *_REDIRECTS):
                raise self.refusal(response, model)
            headers, redirected = response.headers, response.status_code != 200
        commit = headers.get("x-repo-commit") or model.revision
        etag = (headers.get("x-linked-etag") or headers.get("etag") or "").removeprefix("W/").strip('"')
        # A redirect's own length is that of its empty body.
        size = headers.get("x-linked-size") or (None if redirected else headers.get("content-length"))
        sha256 = etag if _SHA256.fullmatch(etag) else None
        if sha256 is None or size is None:
            listed_size, sha256 = await self._from_tree(model, commit)
            size = size or listed_size
        # A login page of a network answers 200 too: a hub names the commit or the hash.
        if not str(size).isdigit() or (sha256 is None and "x-repo-commit" not in headers):
            raise HubUnreachable(f"{self.host} doesn't answer as a model hub does")
        return RemoteFile(model, self._resolve_url(model, commit), commit, int(size or 0), sha256)

    @asynccontextmanager
    async def stream(self, remote: RemoteFile, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        """The file's bytes from wherever the hub sends us; answers 200, 206 or 416."""
        async with self._open("GET", remote.url, headers, follow_to_storage=True) as response:
            if response.status_code not in (200, 206, 416):
                raise self.refusal(response, remote.model)
            yield response

    def refusal(self, response: httpx.Response, model: Model) -> Exception:
        """What an answer that isn't the file means, in one line."""
        status, code = response.status_code, response.headers.get("x-error-code", "")
        page = f"{self.endpoint}/{model.repo}"
        # A storage host's refusal is mostly a link that has expired: asking the hub again gives a new one.
        if status == 429 or status >= 500 or _origin(response.url) != self._origin:
            return TryAgain(f"{response.url.host} answers {status}", _seconds(response.headers.get("retry-after")))
        if code == "GatedRepo":
            return DownloadError(
                f"{model.repo} is gated: its terms have to be accepted once, by a person",
                hint=f"accept them at {page}, then set HF_TOKEN (tokens: {self.endpoint}/settings/tokens)",
            )
        if code in ("RepoNotFound", "EntryNotFound", "RevisionNotFound"):
            what = {"RepoNotFound": model.repo, "EntryNotFound": f"{model.repo}: {_path(model)}"}
            return DownloadError(f"the hub doesn't know {what.get(code, f'{model.repo}@{model.revision}')}", hint=page)
        if status in (401, 403) and (self._token or response.headers.get("x-error-message")):
            return DownloadError(f"{response.url.host} refuses {model.repo} ({status})", hint="check HF_TOKEN")
        return HubUnreachable(f"{response.url.host} doesn't answer as a model hub does ({status})")

    @asynccontextmanager
    async def _open(
        self, method: str, url: str, headers: dict[str, str], *, follow_to_storage: bool
    ) -> AsyncIterator[httpx.Response]:
        target = httpx.URL(url)
        for _ in range(_MAX_HOPS):
            request = self._client.build_request(method, target, headers=self._headers(target, headers))
            response = await self._client.send(request, stream=True, follow_redirects=False)
            try:
                location = response.headers.get("location")
                if response.status_code in _REDIRECTS and location:
                    onward = target.join(location)
                    # A renamed repo redirects within the hub; the storage host is another origin.
                    if follow_to_storage or _origin(onward) == self._origin:
                        target = onward
                        continue
                yield response
                return
            finally:
                await response.aclose()
        raise DownloadError(f"{self.host} redirects more than {_MAX_HOPS} times for {url}")

    def _headers(self, url: httpx.URL, headers: dict[str, str]) -> dict[str, str]:
        sent = {"accept-encoding": "identity", **headers}
        if self._token and _origin(url) == self._origin:
            sent["authorization"] = f"Bearer {self._token.get_secret_value()}"
        return sent

    async def _from_tree(self, model: Model, commit: str) -> tuple[int | None, str | None]:
        """Size and hash from the folder's listing, for mirrors whose HEAD says too little."""
        path = _path(model)
        folder = f"/{quote(path.rpartition('/')[0])}" if "/" in path else ""
        url = f"{self.endpoint}/api/models/{model.repo}/tree/{quote(commit, safe='')}{folder}"
        async with self._open("GET", url, {}, follow_to_storage=False) as response:
            if response.status_code != 200:
                return None, None
            await response.aread()
            try:
                listing: list[dict[str, Any]] = response.json()
                entry = next((e for e in listing if e.get("path") == path), {})
            except (ValueError, AttributeError, TypeError) as exc:
                raise HubUnreachable(f"{self.host} doesn't answer as a model hub does (not JSON)") from exc
        return entry.get("size"), (entry.get("lfs") or {}).get("oid")

    def _resolve_url(self, model: Model, revision: str) -> str:
        return f"{self.endpoint}/{model.repo}/resolve/{quote(revision, safe='')}/{quote(_path(model))}"


def _path(model: Model) -> str:
    return model.remote_path or model.file


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdigit() else None
