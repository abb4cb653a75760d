"""One request: decided, sent to a pod, perhaps to the next one, and answered.

Nothing is held but what has to be: a body goes on piece by piece, and who reads slowly slows down
who writes. Only a small body is kept, so that it can be sent again when a pod fails it.
"""

from __future__ import annotations

import asyncio

from canarylab.kube_objects import Address
from canarylab.playground.network.http.body import Body
from canarylab.playground.network.http.forwarding import CONTINUE, Reply, Visitor, request_bytes
from canarylab.playground.network.http.head import Head
from canarylab.playground.network.http.mirror import Copies
from canarylab.playground.network.http.outgoing import Outgoing
from canarylab.playground.network.http.pages import answer_bytes
from canarylab.playground.network.http.pod import Pod
from canarylab.playground.network.http.pool import Pool
from canarylab.playground.network.http.shared import Shared
from canarylab.playground.network.http.sides import Asking
from canarylab.playground.network.http.tries import Tries
from canarylab.playground.network.http.verdicts import NOWHERE, Answer, Forward


class Exchange:
    """A request and its answer."""

    def __init__(self, shared: Shared, pool: Pool, client: Asking, head: Head) -> None:
        self.head = head
        self.is_begun = self.is_finished = self.is_tunnel = False
        self.keep_alive = False
        self._shared, self._pool, self._client = shared, pool, client
        self._forward = NOWHERE
        self._pod: Pod | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._tries = Tries(head.method, most=shared.limits.tries)
        self._copies = Copies(pool, wants_body=self.wants_body)
        self._visitor = Visitor(client.host, shared.port, shared.request_id())
        self._outgoing = Outgoing(head)
        self._body = Body(head, replay_bytes=shared.limits.replay_bytes)
        self._unsent_before = 0
        self._early = b""

    @property
    def is_request_complete(self) -> bool:
        """Has the client sent all of it?"""
        return self._body.is_complete

    @property
    def is_answering(self) -> bool:
        """Has the client got a part of the answer?"""
        return self._outgoing.has_begun

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
            self._client.write(CONTINUE)
        self._send_copies(verdict.mirrors)
        self._try_next()

    def body(self, piece: bytes) -> None:
        """A piece of the request's body."""
        if self.is_finished:
            return
        framed = self._body.add(piece, is_sent=self._pod is not None)
        if self._body.exceeds(self._forward.body_limit):
            self._refuse_body()
            return
        self._copies.write(framed)
        if self._pod is not None:
            self._pod.write(framed)
            self._expect_more()

    def body_done(self) -> None:
        """The request is whole."""
        end = self._body.end()
        self._copies.write(end)
        self._copies.end()
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
        if self._pod is not None:
            self._pod.hold_back(is_held=not is_writable)

    def client_lost(self) -> None:
        """Nobody is there to be answered."""
        self.is_finished = True
        self._let_go_of_pod()
        if not self.is_request_complete:
            self._copies.stop()

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
        if reply.status != 101:
            self.keep_alive = self._outgoing.begin(reply, may_go_on=self._may_go_on())
        elif self.head.upgrades:
            self._outgoing.switch(reply)
            self._become_tunnel()
        else:
            self._failed(502)  # nobody asked to speak something else

    def reply_body(self, piece: bytes) -> None:
        """A piece of it."""
        self._outgoing.add(piece)

    def reply_pause(self) -> None:
        """What came together goes on together."""
        if piece := self._outgoing.take():
            self.raw(piece)

    def reply_done(self) -> None:
        """The answer is whole; a pod that answered half a request is not asked again."""
        pod, self._pod = self._pod, None
        if pod is not None and self.is_request_complete:
            self._pool.give(pod)
        elif pod is not None:
            pod.abandon()
        self._outgoing.end()
        self.reply_pause()
        self._finish()

    def raw(self, piece: bytes) -> None:
        """From the pod to the client, as it is."""
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
            self._tries.forgive()
        self._failed(502)

    def pod_writable(self) -> None:
        """It takes more of the body."""
        self._client.regulate()

    # How.

    def _try_next(self) -> None:
        forward = self._forward
        assert forward is not None
        self._tries.begin()
        address = self._shared.turns.next(self._forward.name, self._forward.endpoints)
        pod = self._pool.take(address)
        if pod is not None:
            self._use(pod)
            return
        self._client.expect_within(self._shared.limits.connect_s)
        self._connecting = self._pool.go(self._connect(address))

    async def _connect(self, address: Address) -> None:
        try:
            pod = await self._pool.connect(address)
        except OSError:
            self._connecting = None
            self._failed(502)
            return
        self._connecting = None
        self._use(pod)

    def _send_copies(self, mirrors: tuple[Forward, ...]) -> None:
        for mirror in mirrors:
            address = self._shared.turns.next(mirror.name, mirror.endpoints)
            self._copies.begin(address, self._so_far(mirror))
        if self.is_request_complete:
            self._copies.end()

    def _so_far(self, forward: Forward) -> list[bytes]:
        head = request_bytes(forward.head or self.head, forward.target, self._visitor)
        return [head, *self._body.from_beginning()]

    def _use(self, pod: Pod) -> None:
        assert self._forward is not None
        self._pod, self._tries.was_sent = pod, True
        pod.serve(self)
        pod.write(b"".join(self._so_far(self._forward)))
        pod.hold_back(is_held=not self._client.is_writable)
        self._expect_more()
        self._client.regulate()

    def _expect_more(self) -> None:
        """Of the request, or if it is whole, of the answer."""
        limits = self._shared.limits
        self._client.expect_within(limits.answer_s if self.is_request_complete else limits.client_s)

    def _failed(self, status: int) -> None:
        """Ask the next pod where that does no harm, else say what happened."""
        self._let_go_of_pod()
        if self._tries.are_left and self._body.is_repeatable:
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
