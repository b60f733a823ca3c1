"""The client for asyncio; ``now`` has the same for ordinary code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Unpack

import httpx

from relay.client import asked
from relay.client.asked import Access, ApiAnswer, ApiRequest
from relay.client.faults import ProblemAnswer
from relay.client.fields import MessageFields
from relay.client.said import EventHeard, MessageTaken, PageHeard


class AsyncRelayClient:
    """One tenant's access to a relay; of one event loop. Close it, or use it in ``async with``.

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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._access = Access.of(url, token, tries)
        self._http = httpx.AsyncClient(
            base_url=f"{self._access.url}/v1", headers=self._access.headers, timeout=timeout, transport=transport
        )

    async def __aenter__(self) -> AsyncRelayClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    # -- sending

    async def send(self, *, idempotency_key: str = "", **given: Unpack[MessageFields]) -> MessageTaken:
        """Send one message, as ``RelayClient.send``."""
        body = asked.message(given)
        return asked.taken(await self._done(asked.call("POST", "/messages", body, {}, idempotency_key)))

    async def send_many(
        self, messages: Sequence[MessageFields], *, idempotency_key: str = ""
    ) -> list[MessageTaken | ProblemAnswer]:
        """Send up to 500 messages; what became of each, in their order. What failed is a value here, not raised."""
        body = {"messages": [asked.message(one) for one in messages]}
        request = asked.call("POST", "/messages/batch", body, {}, idempotency_key)
        for number in range(1, self._access.tries + 1):
            results = asked.batch(await self._done(request))
            if not asked.to_repeat(results) or number == self._access.tries:
                break
            await asyncio.sleep(asked.FIRST_WAIT_S * 2.0 ** (number - 1))
        return results

    async def send_raw(
        self, content: bytes, to: Sequence[str] = (), *, stream: str = "", idempotency_key: str = ""
    ) -> MessageTaken:
        """Send a message that is written already (``message.as_bytes()``); ``to`` defaults to its To, Cc and Bcc."""
        return asked.taken(await self._done(asked.raw(content, to, stream, idempotency_key)))

    # -- what became of it

    async def message(self, id: str) -> dict[str, Any]:
        """One message with the story of each copy."""
        found: dict[str, Any] = await self.call("GET", f"/messages/{id}")
        return found

    async def cancel(self, id: str) -> dict[str, Any]:
        """Cancel the copies that haven't left: ``cancelled``, ``left``."""
        found: dict[str, Any] = await self.call("DELETE", f"/messages/{id}")
        return found

    async def events(
        self, types: Sequence[str] = (), *, cursor: str | None = None, limit: int = 1000, **filters: Any
    ) -> PageHeard:
        """A page of events, oldest first. Keep ``next`` and come again with it: nothing is told twice or left out."""
        query = {**asked.events_query(types, cursor, filters), "limit": limit}
        return asked.page(await self._done(asked.call("GET", "/events", None, query, "")), "events", asked.READ_EVENT)

    async def each_event(
        self, types: Sequence[str] = (), *, cursor: str | None = None, **filters: Any
    ) -> AsyncIterator[EventHeard]:
        """All that happened up to now, page by page."""
        while True:
            page = await self.events(types, cursor=cursor, **filters)
            for one in page.items:
                yield one
            if page.ended:
                return
            cursor = page.next

    async def each(self, path: str, name: str, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """Each item of a list: ``each("/messages", "messages", tag="order")``."""
        while True:
            page = asked.page(await self._done(asked.call("GET", path, None, query, "")), name, dict)
            for one in page.items:
                yield one
            if page.next is None:
                return
            query["cursor"] = page.next

    async def call(
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
        return (await self._done(asked.call(method, path, body, query, idempotency_key, repeat))).json

    # -- trying

    async def _done(self, request: ApiRequest) -> ApiAnswer:
        number = 0
        while True:
            number += 1
            answer, error = None, None
            try:
                answer = await self._tried(request)
            except httpx.TransportError as found:
                error = found
            wait = asked.wait_s(request, answer, number, self._access.tries)
            if wait is not None:
                await asyncio.sleep(wait)
            elif answer is not None:
                return asked.judged(answer)
            else:
                assert error is not None
                raise asked.unreachable(request, error) from error

    async def _tried(self, request: ApiRequest) -> ApiAnswer:
        told = await self._http.request(
            request.method, request.path, params=dict(request.query), content=request.content, headers=request.headers
        )
        return ApiAnswer(told.status_code, {name.lower(): value for name, value in told.headers.items()}, told.content)
