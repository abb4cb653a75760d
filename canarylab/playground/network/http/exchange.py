"""One request: decided, sent to a pod, perhaps to the next one, and answered.

Nothing is held but what has to be: a body goes on piece by piece, and who reads slowly slows down
who writes. Only a small body is kept, so that it can be sent again when a pod fails it.
https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream
"""

from __future__ import annotations

import asyncio

from canarylab.playground.network.http.body import Body
from canarylab.playground.network.http.forwarding import (
    LAST_CHUNK,
    Reply,
    Visitor,
    chunk,
    reply_bytes,
    request_bytes,
)
from canarylab.playground.network.http.head import Head
from canarylab.playground.network.http.pages import answer_bytes
from canarylab.playground.network.http.pod import Pod
from canarylab.playground.network.http.pool import Pool
from canarylab.playground.network.http.shared import Shared
from canarylab.playground.network.http.sides import Asking
from canarylab.playground.network.http.verdicts import Answer, Forward
from canarylab.playground.network.routes import Address

_NOT_TWICE = frozenset({"POST", "LOCK", "PATCH"})
"""What nginx does not send to a second pod once it was sent to a first."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Exchange:
    """A request and its answer."""

    def __init__(self, shared: Shared, pool: Pool, client: Asking, head: Head) -> None:
        self.head = head
        self.is_begun = self.is_finished = self.is_tunnel = False
        self.is_answering = self.keep_alive = False
        self._shared, self._pool, self._client = shared, pool, client
        self._forward: Forward | None = None
        self._pod: Pod | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._tries = 0
        self._was_sent = self._is_chunked = False
        self._body = Body(head, replay_bytes=shared.limits.replay_bytes)
        self._unsent_before = 0
        self._early = b""
        self._reply: list[bytes] = []

    @property
    def is_request_complete(self) -> bool:
        """Has the client sent all of it?"""
        return self._body.is_complete

    @property
    def wants_body(self) -> bool:
        """Will the client read a body?"""
        return self.head.method != "HEAD"

    @property
    def wants_more(self) -> bool:
        """Is there somewhere to put what the client sends?"""
        if self.is_finished:
            return True
        if self.head.has_body or self.head.upgrades:
            return self._pod is not None and self._pod.is_writable
        return True

    # What the client does.

    def begin(self) -> None:
        """Decide, and go."""
        self.is_begun = True
        verdict = self._shared.decide(self.head)
        if isinstance(verdict, Answer):
            self._answer(verdict)
            return
        self._forward = verdict
        if self._body.exceeds(verdict.body_limit):
            self._answer(Answer(413))
            return
        if self.head.named.get("expect", "").lower() == "100-continue" and not self._body.received:
            self._client.write(_CONTINUE)
        self._try_next()

    def body(self, piece: bytes) -> None:
        """A piece of the request's body."""
        if self.is_finished:
            return
        framed = self._body.add(piece, is_sent=self._pod is not None)
        if self._forward is not None and self._body.exceeds(self._forward.body_limit):
            self._refuse_body()
        elif self._pod is not None:
            self._pod.write(framed)
            self._expect_more()

    def body_done(self) -> None:
        """The request is whole."""
        end = self._body.end()
        if self._pod is not None and not self.is_finished:
            self._pod.write(end)
            self._expect_more()

    def from_client(self, piece: bytes) -> None:
        """Bytes after a request to speak something else."""
        if self.is_tunnel and self._pod is not None:
            self._pod.write(piece)
            self._client.expect_within(self._shared.limits.answer_s)
        else:
            self._early += piece

    def client_writable(self, *, is_writable: bool) -> None:
        """The client reads more slowly than the pod writes, or has caught up."""
        if self._pod is None:
            return
        if is_writable:
            self._pod.transport.resume_reading()
        else:
            self._pod.transport.pause_reading()

    def client_lost(self) -> None:
        """Nobody is there to be answered."""
        self.is_finished = True
        self._let_go_of_pod()

    def overdue(self) -> None:
        """Nothing has happened for too long."""
        slow_client = not self.is_request_complete and (self._pod is None or self._pod.is_writable)
        if self.is_answering or self.is_tunnel:
            self._wait_for_slow_reader()
        elif self._connecting is None and slow_client:
            self._let_go_of_pod()
            self._answer(Answer(408))
        else:
            self._failed(504)

    # What the pod does.

    def reply_head(self, reply: Reply) -> None:
        """The answer begins."""
        if reply.status == 101:
            if not self.head.upgrades:
                self._failed(502)  # nobody asked to speak something else
                return
            self.is_answering = True
            self._reply.append(reply_bytes(reply, is_chunked=False, connection=b"upgrade"))
            self._become_tunnel()
            return
        self.is_answering = True
        bodiless = not self.wants_body or reply.status in {204, 304}
        unmeasured = not bodiless and reply.length is None
        self._is_chunked = unmeasured and self.head.version == "1.1"
        ends_with_connection = unmeasured and not self._is_chunked
        self.keep_alive = self._may_go_on() and not ends_with_connection
        connection = b"keep-alive" if self.keep_alive else b"close"
        self._reply.append(reply_bytes(reply, is_chunked=self._is_chunked, connection=connection))

    def reply_body(self, piece: bytes) -> None:
        """A piece of it."""
        self._reply.append(chunk(piece) if self._is_chunked else piece)

    def reply_pause(self) -> None:
        """What came together goes on together."""
        if self._reply:
            self._client.write(b"".join(self._reply))
            self._reply = []
            self._client.expect_within(self._shared.limits.answer_s)

    def reply_done(self) -> None:
        """The answer is whole; a pod that answered half a request is not asked again."""
        pod, self._pod = self._pod, None
        if pod is not None and self.is_request_complete:
            self._pool.give(pod)
        elif pod is not None:
            pod.abandon()
        if self._is_chunked:
            self._client.write(LAST_CHUNK)
        self._finish()

    def raw(self, piece: bytes) -> None:
        """From a pod that speaks something else than HTTP now."""
        self._client.write(piece)
        self._client.expect_within(self._shared.limits.answer_s)

    def pod_lost(self) -> None:
        """It went before it had answered, or in the middle."""
        pod, self._pod = self._pod, None
        if self.is_answering:
            self.is_finished = True
            self._client.cut()
            return
        if pod is not None and pod.uses > 1:
            self._tries -= 1  # it had closed a connection we kept: that is no failure
        self._failed(502)

    def pod_writable(self) -> None:
        """It takes more of the body."""
        self._client.regulate()

    # How.

    def _try_next(self) -> None:
        forward = self._forward
        assert forward is not None
        self._tries += 1
        address = self._shared.turns.next(forward.name, forward.endpoints)
        pod = self._pool.take(address)
        if pod is not None:
            self._use(pod)
            return
        self._client.expect_within(self._shared.limits.connect_s)
        self._connecting = asyncio.get_running_loop().create_task(self._connect(address))

    async def _connect(self, address: Address) -> None:
        try:
            pod = await self._pool.connect(address)
        except OSError:
            self._connecting = None
            self._failed(502)
            return
        self._connecting = None
        self._use(pod)

    def _use(self, pod: Pod) -> None:
        assert self._forward is not None
        self._pod, self._was_sent = pod, True
        pod.serve(self)
        visitor = Visitor(self._client.host, self._shared.port, self._shared.request_id())
        head = request_bytes(self.head, self._forward.target, visitor)
        pod.write(b"".join([head, *self._body.from_beginning()]))
        if not self._client.is_writable:
            pod.transport.pause_reading()
        self._expect_more()
        self._client.regulate()

    def _expect_more(self) -> None:
        """Of the request, or if it is whole, of the answer."""
        limits = self._shared.limits
        self._client.expect_within(limits.answer_s if self.is_request_complete else limits.client_s)

    def _failed(self, status: int) -> None:
        """Ask the next pod where that does no harm, else say what happened."""
        self._let_go_of_pod()
        may_repeat = not self._was_sent or self.head.method not in _NOT_TWICE
        if may_repeat and self._body.is_repeatable and self._tries < self._shared.limits.tries:
            self._try_next()
        else:
            self._answer(Answer(status))

    def _answer(self, answer: Answer) -> None:
        self.keep_alive = self._may_go_on()
        self._client.write(
            answer_bytes(answer, keep_alive=self.keep_alive, bodiless=not self.wants_body)
        )
        self._finish()

    def _finish(self) -> None:
        self.is_finished = True
        self._client.exchange_done()

    def _refuse_body(self) -> None:
        self._let_go_of_pod()
        if self.is_answering:
            self.is_finished = True
            self._client.cut()
        else:
            self._answer(Answer(413))

    def _become_tunnel(self) -> None:
        self.is_tunnel = True
        if self._early and self._pod is not None:
            self._pod.write(self._early)
        self._early = b""
        self._client.regulate()

    def _let_go_of_pod(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self._pod is not None:
            self._pod.abandon()
            self._pod = None

    def _wait_for_slow_reader(self) -> None:
        """A client that takes a little is slow; one that takes nothing is gone."""
        unsent, before = self._client.unsent(), self._unsent_before
        self._unsent_before = unsent
        if unsent and unsent != before:
            self._client.expect_within(self._shared.limits.answer_s)
            return
        self._let_go_of_pod()
        self.is_finished = True
        self._client.cut()

    def _may_go_on(self) -> bool:
        """May another request follow on this connection?"""
        return self.head.keep_alive and self.is_request_complete and not self.head.upgrades
