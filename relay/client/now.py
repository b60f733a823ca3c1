"""The client for ordinary code; ``later`` has the same for asyncio."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Unpack

import httpx

from relay.client import asked
from relay.client.asked import Access, ApiAnswer, ApiRequest
from relay.client.faults import ProblemAnswer
from relay.client.fields import MessageFields
from relay.client.said import EventHeard, MessageTaken, PageHeard


class RelayClient:
    """One tenant's access to a relay; may be used by several threads. Close it, or use it in ``with``.

    ``url`` and ``token`` default to RELAY_URL and RELAY_TOKEN; ``timeout`` in seconds for each try, of which there
    are ``tries``. ``transport`` is httpx's, for proxies and tests.
    """

    def __init__(
        self,
        url: str = "",
        token: str = "",
        *,
        timeout: float = 30.0,
        tries: int = asked.TRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._access = Access.of(url, token, tries)
        self._http = httpx.Client(
            base_url=f"{self._access.url}/v1", headers=self._access.headers, timeout=timeout, transport=transport
        )

    def __enter__(self) -> RelayClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # -- sending

    def send(self, *, idempotency_key: str = "", **given: Unpack[MessageFields]) -> MessageTaken:
        """Send one message; each of ``to`` gets a copy of his own. It is on the relay's disk when this returns.

        Raises ProblemAnswer if nobody gets it (``error.word``, ``error.refused``); who of several is refused
        stands in ``refused``. A key of your own (an order's number) makes a repeat by your code harmless too.
        """
        body = asked.message(given)
        return asked.taken(self._done(asked.call("POST", "/messages", body, {}, idempotency_key)))

    def send_many(
        self, messages: Sequence[MessageFields], *, idempotency_key: str = ""
    ) -> list[MessageTaken | ProblemAnswer]:
        """Send up to 500 messages; what became of each, in their order. What failed is a value here, not raised."""
        body = {"messages": [asked.message(one) for one in messages]}
        request = asked.call("POST", "/messages/batch", body, {}, idempotency_key)
        for number in range(1, self._access.tries + 1):
            results = asked.batch(self._done(request))
            if not asked.to_repeat(results) or number == self._access.tries:
                break
            time.sleep(asked.FIRST_WAIT_S * 2.0 ** (number - 1))
        return results

    def send_raw(
        self, content: bytes, to: Sequence[str] = (), *, stream: str = "", idempotency_key: str = ""
    ) -> MessageTaken:
        """Send a message that is written already (``message.as_bytes()``); ``to`` defaults to its To, Cc and Bcc."""
        return asked.taken(self._done(asked.raw(content, to, stream, idempotency_key)))

    # -- what became of it

    def message(self, id: str) -> dict[str, Any]:
        """One message with the story of each copy."""
        found: dict[str, Any] = self.call("GET", f"/messages/{id}")
        return found

    def cancel(self, id: str) -> dict[str, Any]:
        """Cancel the copies that haven't left: ``cancelled``, ``left``."""
        found: dict[str, Any] = self.call("DELETE", f"/messages/{id}")
        return found

    def events(
        self, types: Sequence[str] = (), *, cursor: str | None = None, limit: int = 1000, **filters: Any
    ) -> PageHeard:
        """A page of events, oldest first. Keep ``next`` and come again with it: nothing is told twice or left out."""
        query = {**asked.events_query(types, cursor, filters), "limit": limit}
        return asked.page(self._done(asked.call("GET", "/events", None, query, "")), "events", asked.READ_EVENT)

    def each_event(
        self, types: Sequence[str] = (), *, cursor: str | None = None, **filters: Any
    ) -> Iterator[EventHeard]:
        """All that happened up to now, page by page."""
        while True:
            page = self.events(types, cursor=cursor, **filters)
            yield from page.items
            if page.ended:
                return
            cursor = page.next

    def each(self, path: str, name: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Each item of a list: ``each("/messages", "messages", tag="order")``."""
        while True:
            page = asked.page(self._done(asked.call("GET", path, None, query, "")), name, dict)
            yield from page.items
            if page.next is None:
                return
            query["cursor"] = page.next

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str = "",
        repeat: bool = True,
        **query: Any,
    ) -> Any:
        """Any other request of ``/v1``: ``call("GET", "/quota")``. ``repeat=False``: one try only."""
        return self._done(asked.call(method, path, body, query, idempotency_key, repeat)).json

    # -- trying

    def _done(self, request: ApiRequest) -> ApiAnswer:
        number = 0
        while True:
            number += 1
            answer, error = None, None
            try:
                answer = self._tried(request)
            except httpx.TransportError as found:
                error = found
            wait = asked.wait_s(request, answer, number, self._access.tries)
            if wait is not None:
                time.sleep(wait)
            elif answer is not None:
                return asked.judged(answer)
            else:
                assert error is not None
                raise asked.unreachable(request, error) from error

    def _tried(self, request: ApiRequest) -> ApiAnswer:
        told = self._http.request(
            request.method, request.path, params=dict(request.query), content=request.content, headers=request.headers
        )
        return ApiAnswer(told.status_code, {name.lower(): value for name, value in told.headers.items()}, told.content)
