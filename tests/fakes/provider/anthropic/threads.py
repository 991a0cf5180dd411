"""Conversations that the Anthropic API holds itself: a client sends only what is new, and the id of the last answer."""

from __future__ import annotations

from tests.fakes.provider.fake import Rejected
from tests.fakes.provider.script import Json

_HELD = ("system", "tools")


class Threads:
    """`supported` off: what an organisation gets that may not use them, and a gateway may say the same."""

    def __init__(self) -> None:
        self.supported = True
        self._held: dict[str, Json] = {}
        self._continued: set[str] = set()

    def whole(self, body: Json, betas: str) -> Json:
        """The request as if all of the conversation had been sent. Raises `Rejected` where it can't be continued."""
        thread = body.get("thread")
        if thread is None:
            return body
        if "message-threads-" not in betas:
            raise Rejected(400, "invalid_request_error", "thread: Extra inputs are not permitted")
        if not self.supported:
            details = {"error_code": "thread_unsupported_request", "unsupported": []}
            raise Rejected(400, "invalid_request_error", "thread: Threads are not supported here.", details=details)
        new = {name: value for name, value in body.items() if name != "thread"}
        if thread.get("type") == "create":
            return new
        last = thread.get("previous_message_id")
        if last in self._continued:
            details = {"error_code": "thread_already_continued"}
            message = f"thread: the response {last} has already been continued."
            raise Rejected(400, "invalid_request_error", message, details=details)
        if last not in self._held:
            details = {"error_code": "thread_not_found"}
            message = f"thread: no usable Thread state was found for {last}."
            raise Rejected(404, "not_found_error", message, details=details)
        if repeated := [name for name in _HELD if name in body]:
            raise Rejected(400, "invalid_request_error", f"{repeated[0]}: taken from the Thread on a continue.")
        held = self._held[last]
        return {**held, **new, "messages": [*held["messages"], *new["messages"]]}

    def keep(self, id: str, asked: Json, sent: Json, content: list[Json]) -> None:
        """After the answer `id` to `asked`, which is whole; `sent` is what came."""
        thread = sent.get("thread")
        if thread is None:
            return
        self._continued.add(thread.get("previous_message_id", ""))
        answer = {"role": "assistant", "content": content}
        held = {name: asked[name] for name in _HELD if name in asked}
        self._held[id] = {**held, "messages": [*asked["messages"], answer]}
