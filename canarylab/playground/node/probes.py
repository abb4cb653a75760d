"""Startup, readiness and liveness probes of a container.

One thing is not as in a real kubelet. There, after a first probe that failed, the next comes a
period later, so that a container which is ready after a fifth of a second may count as ready after
ten. Here, in its first ten seconds and until a startup or readiness probe has succeeded once, the
container is probed many times a second between the regular probes. Such an early probe counts only
when it succeeds.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from canarylab.kube_objects import Object, parse_integer

RELIST_S = 1.0
"""How long a container without probes has to run until it is ready.

The kubelet looks at its containers that often, so one that crashes at once is never ready.
"""
EARLY_PROBES_FOR_S = 10.0
MIN_EARLY_INTERVAL_S = 0.05
_SHARE_OF_AGE = 0.1
_OUTPUT_LIMIT = 10_240  # bytes

RunCommand = Callable[[list[str]], Awaitable[tuple[int, str]]]
"""Runs a command in the container; returns its exit code and output."""


@dataclass(frozen=True)
class Probe:
    """A probe of a manifest. `action` is its httpGet, tcpSocket or exec."""

    action: Object
    initial_delay_s: float = 0.0
    period_s: float = 10.0
    timeout_s: float = 1.0
    success_threshold: int = 1
    failure_threshold: int = 3
    grace_period_s: int | None = None

    @classmethod
    def of(cls, manifest: Object) -> Probe:
        """Read a probe, with Kubernetes' defaults.

        >>> Probe.of({"tcpSocket": {"port": 3333}, "periodSeconds": 1}).period_s
        1
        """
        return cls(
            action=manifest,
            initial_delay_s=manifest.get("initialDelaySeconds", 0),
            period_s=manifest.get("periodSeconds") or 10,
            timeout_s=manifest.get("timeoutSeconds") or 1,
            success_threshold=manifest.get("successThreshold") or 1,
            failure_threshold=manifest.get("failureThreshold") or 3,
            grace_period_s=manifest.get("terminationGracePeriodSeconds"),
        )


@dataclass(frozen=True)
class ProbeHistory:
    """What the results so far amount to, and how many in a row were the same."""

    outcome: bool | None = None
    count: int = 0
    last: bool | None = None

    def after(self, probe: Probe, *, success: bool) -> ProbeHistory:
        """Add a result. The outcome changes when enough results in a row are the same.

        >>> probe = Probe({}, failure_threshold=2)
        >>> up = ProbeHistory().after(probe, success=True)
        >>> up.after(probe, success=False).outcome
        True
        >>> up.after(probe, success=False).after(probe, success=False).outcome
        False
        """
        count = self.count + 1 if success == self.last else 1
        threshold = probe.success_threshold if success else probe.failure_threshold
        return ProbeHistory(success if count >= threshold else self.outcome, count, last=success)


class ProbeHandler(Protocol):
    """Takes the results of a container's probes."""

    def on_started(self) -> None: ...

    def on_readiness(self, *, ready: bool) -> None: ...

    def on_failure(self, probe: str, message: str) -> None:
        """Take one failure; `probe` is "Readiness", "Liveness" or "Startup"."""
        ...

    async def stop_for_restart(self, probe: str, *, grace_period_s: int | None) -> None:
        """Stop the container, which is then restarted: `probe` failed often enough."""
        ...


async def _anybody(port: int) -> bool:
    return True


class ProbeTarget(NamedTuple):
    """The container to probe."""

    ip: str
    container: Object
    run: RunCommand
    can_answer: Callable[[int], Awaitable[bool]] = _anybody
    """Whether an answer from a port of the address would be the pod's own."""


class ProbeResult(NamedTuple):
    """Success or failure, with the message of a failure in the kubelet's words."""

    is_success: bool
    message: str = ""


SUCCESS = ProbeResult(is_success=True)


async def run_probes(container: Object, target: ProbeTarget, handler: ProbeHandler) -> None:
    """Run the probes of a container until cancelled, or until it must be restarted."""
    if "startupProbe" in container and not await _run_startup(container, target, handler):
        return
    handler.on_started()
    async with asyncio.TaskGroup() as tasks:
        if "livenessProbe" in container:
            liveness = Probe.of(container["livenessProbe"])
            tasks.create_task(_run_liveness(liveness, target, handler))
        if "readinessProbe" in container:
            readiness = Probe.of(container["readinessProbe"])
            tasks.create_task(_run_readiness(readiness, target, handler))
        else:
            if "startupProbe" not in container:
                await asyncio.sleep(RELIST_S)
            handler.on_readiness(ready=True)


async def probe_once(action: Object, target: ProbeTarget, *, timeout_s: float) -> ProbeResult:
    """Run one probe: httpGet, tcpSocket or exec."""
    if "httpGet" in action:
        return await _http_get(action["httpGet"], target, timeout_s)
    if "tcpSocket" in action:
        return await _tcp_socket(action["tcpSocket"], target, timeout_s)
    if "exec" in action:
        return await _exec(action["exec"].get("command", []), target, timeout_s)
    message = "the playground has no gRPC probes; use httpGet, tcpSocket or exec"
    return ProbeResult(False, message)


def early_probe_interval_s(age_s: float) -> float:
    """Return the pause before the next early probe of a container of this age.

    Twenty a second for the first half second, then fewer: a tenth of its age.

    >>> early_probe_interval_s(0.1), early_probe_interval_s(2.0)
    (0.05, 0.2)
    """
    return max(MIN_EARLY_INTERVAL_S, age_s * _SHARE_OF_AGE)


def port_number(port: int | str, container: Object) -> int | None:
    """Return the number of a port that may be given by its name.

    >>> port_number("http", {"ports": [{"name": "http", "containerPort": 3333}]})
    3333
    """
    number = port if isinstance(port, int) else parse_integer(port)
    if number is not None:
        return number
    named = {entry.get("name"): entry["containerPort"] for entry in container.get("ports", [])}
    return named.get(port)


class _Observation(NamedTuple):
    result: ProbeResult
    outcome: bool | None


async def _observe(
    probe: Probe, target: ProbeTarget, *, early: bool
) -> AsyncGenerator[_Observation, None]:
    """Probe again and again."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(probe.initial_delay_s)
    began, history, has_succeeded = loop.time(), ProbeHistory(), False
    while True:
        due = loop.time() + probe.period_s
        result = await probe_once(probe.action, target, timeout_s=probe.timeout_s)
        has_succeeded = has_succeeded or result.is_success
        history = history.after(probe, success=result.is_success)
        yield _Observation(result, history.outcome)
        if early and not has_succeeded and await _succeeds_early(probe, target, began, due):
            has_succeeded, history = True, history.after(probe, success=True)
            yield _Observation(SUCCESS, history.outcome)
        await asyncio.sleep(due - loop.time())


async def _succeeds_early(probe: Probe, target: ProbeTarget, began: float, due: float) -> bool:
    """Probe often until the next regular probe is due. Commands cost too much for that."""
    loop = asyncio.get_running_loop()
    if "exec" in probe.action:
        return False
    while (age_s := loop.time() - began) < EARLY_PROBES_FOR_S:
        pause_s = early_probe_interval_s(age_s)
        if loop.time() + pause_s >= due:
            return False
        await asyncio.sleep(pause_s)
        if (await probe_once(probe.action, target, timeout_s=probe.timeout_s)).is_success:
            return True
    return False


async def _run_startup(container: Object, target: ProbeTarget, handler: ProbeHandler) -> bool:
    probe = Probe.of(container["startupProbe"])
    async with aclosing(_observe(probe, target, early=True)) as observations:
        async for observation in observations:
            _report_failure(handler, "Startup", observation)
            if observation.outcome is not None:
                break
    if not observation.outcome:
        await handler.stop_for_restart("startup", grace_period_s=probe.grace_period_s)
    return bool(observation.outcome)


async def _run_liveness(probe: Probe, target: ProbeTarget, handler: ProbeHandler) -> None:
    async with aclosing(_observe(probe, target, early=False)) as observations:
        async for observation in observations:
            _report_failure(handler, "Liveness", observation)
            if observation.outcome is False:
                await handler.stop_for_restart("liveness", grace_period_s=probe.grace_period_s)
                return


async def _run_readiness(probe: Probe, target: ProbeTarget, handler: ProbeHandler) -> None:
    async with aclosing(_observe(probe, target, early=True)) as observations:
        async for observation in observations:
            _report_failure(handler, "Readiness", observation)
            handler.on_readiness(ready=bool(observation.outcome))


def _report_failure(handler: ProbeHandler, probe: str, observation: _Observation) -> None:
    if not observation.result.is_success:
        handler.on_failure(probe, observation.result.message)


async def _tcp_socket(action: Object, target: ProbeTarget, timeout_s: float) -> ProbeResult:
    port = port_number(action["port"], target.container)
    if port is None:
        return ProbeResult(False, _no_such_port(action["port"]))
    host = action.get("host") or target.ip
    try:
        await _refuse_others(action, target, port)
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port)
    except OSError as error:  # a TimeoutError is one
        return ProbeResult(False, _dial_error(error, f"{host}:{port}"))
    except ValueError as error:  # a host that no name server can be asked for
        return ProbeResult(False, f"dial tcp {host}:{port}: {error}")
    writer.transport.abort()
    return SUCCESS


async def _http_get(action: Object, target: ProbeTarget, timeout_s: float) -> ProbeResult:
    answer = await http_status(action, target, timeout_s=timeout_s, client="kube-probe")
    if isinstance(answer, str):
        return ProbeResult(False, answer)
    if 200 <= answer < 400:
        return SUCCESS
    return ProbeResult(False, f"HTTP probe failed with statuscode: {answer}")


async def http_status(
    action: Object, target: ProbeTarget, *, timeout_s: float, client: str
) -> int | str:
    """Send the request of an httpGet; return the status of the answer, or why there is none."""
    port = port_number(action["port"], target.container)
    if port is None:
        return _no_such_port(action["port"])
    host, scheme = action.get("host") or target.ip, action.get("scheme", "HTTP").lower()
    path = "/" + action.get("path", "/").removeprefix("/")
    try:
        await _refuse_others(action, target, port)
        async with asyncio.timeout(timeout_s):
            request = _request(action, path, f"{host}:{port}", client)
            return await _fetch_status(host, port, request, scheme)
    except ConnectionRefusedError as error:
        reason = _dial_error(error, f"{host}:{port}")
    except TimeoutError:
        reason = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    except (OSError, EOFError, ValueError):
        reason = "EOF"
    return f'Get "{scheme}://{host}:{port}{path}": {reason}'


async def _refuse_others(action: Object, target: ProbeTarget, port: int) -> None:
    """Raise ConnectionRefusedError where another program of the machine would answer."""
    if not action.get("host") and not await target.can_answer(port):
        raise ConnectionRefusedError


def _request(action: Object, path: str, address: str, client: str) -> bytes:
    headers = {
        "Host": address,
        "User-Agent": f"{client}/1.36",
        "Accept": "*/*",
        **{header["name"]: header["value"] for header in action.get("httpHeaders", [])},
        "Connection": "close",
    }
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


async def _fetch_status(host: str, port: int, request: bytes, scheme: str) -> int:
    """Return the status of the response; the rest is read, so that the app sees no reset."""
    reader, writer = await asyncio.open_connection(
        host, port, ssl=_unverified_context() if scheme == "https" else None, limit=_OUTPUT_LIMIT
    )
    try:
        writer.write(request)
        first_line = await reader.readuntil(b"\n")
        await reader.read(_OUTPUT_LIMIT)
        return int(first_line.split(b" ", 2)[1])
    except (IndexError, asyncio.LimitOverrunError) as error:
        raise EOFError from error
    finally:
        writer.transport.abort()


def _unverified_context() -> ssl.SSLContext:
    """A kubelet does not verify certificates in probes."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _exec(command: list[str], target: ProbeTarget, timeout_s: float) -> ProbeResult:
    try:
        async with asyncio.timeout(timeout_s):
            code, output = await target.run(command)
    except TimeoutError:
        line = " ".join(command)
        return ProbeResult(False, f'command timed out: "{line}" timed out after {timeout_s:g}s')
    return SUCCESS if code == 0 else ProbeResult(False, output[:_OUTPUT_LIMIT])


def _dial_error(error: OSError, address: str) -> str:
    """Describe why no connection was made, as Go's network library does."""
    reasons = {
        "ConnectionRefusedError": "connect: connection refused",
        "TimeoutError": "i/o timeout",
    }
    reason = reasons.get(type(error).__name__, f"connect: {(error.strerror or '').lower()}")
    return f"dial tcp {address}: {reason}"


def _no_such_port(port: int | str) -> str:
    return f"couldn't find port: {port} in container"
