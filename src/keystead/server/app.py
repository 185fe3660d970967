"""The running server: listeners, jobs and the control socket in one loop, until a signal.

    open sockets -> accept -> … SIGTERM … -> stop accepting -> drain -> close

A start can fail for a reason outside of our code, such as a port in use or a wrong certificate. It
does so before the first connection is accepted.
"""

import asyncio
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystead.failures import Failure
from keystead.server.door import (
    Application,
    Door,
    Held,
    LongBodies,
    PeerCounts,
    Turn,
    tls_context,
)
from keystead.server.entrance import Entrance, Use, Wanted
from keystead.server.health import MetricsOnly, Pages, load_metrics_page
from keystead.server.installation import (
    READ_AGAIN,
    Address,
    Collector,
    Config,
    Installation,
    Jobs,
    config,
    control,
    development,
    perform,
    process,
)
from keystead.server.listening import Change, Listeners
from keystead.server.telemetry import logs
from keystead.store.protocol import StoreUnavailable

if TYPE_CHECKING:
    from keystead.server.console import Console

SWEEP_SECONDS = 1.0
GRACE_LOOKS = 50  # of 20 ms, after the drain, for the refusals of requests whose work was stopped


def run(
    installation: Installation,
    entrance: Entrance,
    read_again: Callable[[], Config],
    started: Callable[[str], None],
) -> int:
    """Serve until a signal; returns the exit status. `started` gets the endpoint's URL."""
    try:
        import uvloop  # noqa: PLC0415  # without it asyncio's own loop serves
    except ImportError:
        factory = asyncio.new_event_loop
    else:
        factory = uvloop.new_event_loop
    sys.setswitchinterval(SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_serve(installation, entrance, read_again, started))


SWITCH_SECONDS = 0.0001
"""For so long a worker may keep the interpreter while the loop waits for it (decision 0024)."""


async def _serve(
    installation: Installation,
    entrance: Entrance,
    read_again: Callable[[], Config],
    started: Callable[[str], None],
) -> int:
    return await Server(installation, entrance, read_again).run(started)


DEVELOPMENT = "\r\nX-Keystead-Development: true"
"""The line of every answer of an installation for development (decision 0043)."""


class DateLine:
    """The Date header, formatted once a second, and the lines that every answer has after it."""

    __slots__ = ("_after", "_second", "_text")

    def __init__(self, after: str = "") -> None:
        self._after = after
        self._second = 0
        self._text = ""

    def __call__(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second = second
            date = format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True)
            self._text = date + self._after
        return self._text


class Server:
    """One server on one installation."""

    def __init__(
        self, installation: Installation, entrance: Entrance, read_again: Callable[[], Config]
    ) -> None:
        self._installation = installation
        self._read_again = read_again
        self._entrance = entrance
        self._config: Config = installation.config
        loop = asyncio.get_running_loop()
        self._collector = Collector(installation.metrics.answered, loop.time)
        installation.lane.gate.tidy = self._collector.look_at_new
        self._counts = PeerCounts(self._config.max_connections_per_peer, 0)
        self._outbox = Turn(
            loop,
            installation.commit,
            self._commit_failed,
            DateLine(DEVELOPMENT if installation.hierarchy.development else ""),
            installation.metrics.long_turns.observe,
            gate=installation.lane.gate,
            ended=self._collector.set_aside,
            resting=installation.store,
            alone=self._counts.is_one,
        )
        self._stopping = asyncio.Event()
        self._status = 0
        self._listeners = Listeners(self._door, entrance.tls)
        self._held, self._long_bodies = Held(), LongBodies()
        self._answering: Mapping[Use, Application] = {}
        self._pages: Console | None = None

    async def run(self, started: Callable[[str], None]) -> int:
        """Serve until a signal, or until state can no longer be kept."""
        installation = self._installation
        self._say_what_was_repaired()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop, name.name)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        jobs = Jobs(
            installation.upkeep.jobs(), installation.metrics, self._outbox.flush,
            installation.clock.now, installation.upkeep.outcomes,
        )  # fmt: skip
        ceremonies = control.ControlServer(control.listen(installation.directory), self._perform)
        self._pages = console = self._console()
        self._answering = self._applications(console)
        await self._accept()
        self._say_what_is_bound()
        if console is not None:
            await console.listener.start()
        jobs.start()
        sweeping = asyncio.create_task(self._sweep())
        self._collector.start()
        # Now settings can be read again, as a ceremony asks, and a SIGHUP since the start.
        await ceremonies.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGHUP,))
        started(self._url())
        threading.Thread(target=load_metrics_page, name="page of metrics").start()
        await self._stopping.wait()
        installation.serving.drain()
        ceremonies.stop(installation.directory)
        if console is not None:
            await console.listener.stop()
        await self._drain()
        sweeping.cancel()
        self._collector.stop()
        await jobs.stop()
        # When the loop ends, the system's own handling of this signal returns. It would end the
        # process before everything is written.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGHUP,))
        return self._status

    # starting

    def _say_what_was_repaired(self) -> None:
        recovered = self._installation.trail.recovered
        if recovered.cut_bytes or recovered.restored_records:
            logs.warning(
                "the audit log was completed after a crash",
                count=recovered.restored_records,
                bytes=recovered.cut_bytes,
            )

    def _say_what_is_bound(self) -> None:
        """Tell the operator of listeners whose endpoint is not there: they refuse everything."""
        reader = self._installation.store.read()
        for each in self._config.endpoint_listeners:
            if self._installation.endpoints.get(reader, each.endpoint) is None:
                logs.warning(
                    f"`endpoint_listen` names `{each.endpoint}`, which is no VPC endpoint: nothing"
                    " comes through it"
                )

    def _is_of_a_page(self, headers: Mapping[str, str]) -> bool:
        return development.is_of_a_page(headers, self._config.endpoint_url)

    def _applications(self, console: "Console | None") -> Mapping[Use, Application]:
        """What answers the requests of each kind of listener."""
        installation = self._installation
        metrics = installation.metrics
        alone = bool(self._config.metrics_listen)
        of_a_page = self._is_of_a_page if installation.hierarchy.development else None
        pages = Pages(
            console.for_programs if console else installation.pipeline, installation.serving,
            None if alone else metrics, of_a_page, console.door if console else None,
        )  # fmt: skip
        of_endpoints = Pages(installation.pipeline, installation.serving, None, of_a_page)
        return {
            Use.EVERYBODY: pages, Use.METRICS: MetricsOnly(metrics),
            Use.ENDPOINT: of_endpoints, Use.BALANCERS: of_endpoints,
        }  # fmt: skip

    def _door(self, wanted: Wanted, secure: bool) -> Door:
        use = wanted.use
        return Door(
            self._answering[use], self._outbox, self._counts, self._installation.refused,
            asyncio.get_running_loop().time, self._held, self._long_bodies,
            use.trusted(self._config), wanted.endpoint, secure, use is Use.BALANCERS,
        )  # fmt: skip

    async def _accept(self) -> None:
        counts = self._counts
        counts.allow(self._config.max_connections_per_peer, self._most_connections(self._config))
        await self._listeners.start(self._entrance)
        self._installation.metrics.show("keystead_connections", lambda: counts.total)

    def _console(self) -> "Console | None":
        """The pages for persons, which are loaded only now."""
        if not self._entrance.console:
            return None
        from keystead.server.console import Console  # noqa: PLC0415  # most servers have none

        return Console(
            self._installation, self._outbox, self._entrance, lambda: self._config.proxies
        )

    def _most_connections(self, config: Config) -> int:
        """`max_connections`, or fewer if this process may not have so many open files."""
        wanted = config.max_connections
        listeners = len(config.endpoint_listen) + len(config.proxy_listen)
        most = process.connections_within_file_limit() - listeners
        if most >= wanted:
            return wanted
        if most < 1:
            raise Failure(
                "the limit of open files is too low for any connection",
                "raise the limit with `ulimit -n`, or with LimitNOFILE= of the service",
            )
        logs.warning(
            "the limit of open files allows fewer connections than `max_connections`", count=most
        )
        return most

    def _url(self) -> str:
        port = self._entrance.sockets[0].socket.getsockname()[1]
        secure = self._entrance.tls is not None
        return Address(self._config.addresses[0].host, port).url(secure=secure)

    # while it runs

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._collector.tick()
            now = loop.time()
            logs.tell_outages()
            if self._installation.failed:
                self._fail("the store failed")
            for connection in self._listeners.connections:
                connection.sweep(now)

    def _hang_up(self) -> None:
        """SIGHUP: nobody waits for an answer, so the log has it."""
        if self._stopping.is_set():  # no listener begins now
            return
        try:
            self._reload("SIGHUP")
        except Failure as failure:
            logs.not_reloaded(failure.message, failure.hint)
        except Exception as error:  # noqa: BLE001  # a file may be anything; the server goes on
            logs.alarm("the settings stay as they were: reading them again failed", error)

    def _reload(self, asked_by: str) -> list[str]:
        """Read the settings again and use those that a running server can: all, or none.

        Returns those that wait for a restart; raises Failure.
        """
        read = self._read_again()
        secure = (self._entrance.tls is not None, bool(read.tls_certificate))
        context = None
        if all(secure):
            context = tls_context(Path(read.tls_certificate), Path(read.tls_key))
        names = [name for name in READ_AGAIN if all(secure) or not name.startswith("tls_")]
        settings = replace(self._config, **{name: getattr(read, name) for name in names})
        config.check(settings)  # without those that need a restart, too
        most = self._most_connections(settings)
        change = self._listeners.open(settings)
        self._use(settings, most, context, change)
        waiting = [field.name for field in fields(Config) if _differ(read, settings, field.name)]
        news = f"the settings were read again{change}{_after_a_restart(waiting)}"
        logs.info(news, signal=asked_by)
        if change.opened:
            self._say_what_is_bound()
        return waiting

    def _use(
        self, settings: Config, most: int, context: ssl.SSLContext | None, change: Change
    ) -> None:
        self._config = settings
        self._installation.use(settings)
        logs.set_level(settings.log_level)
        self._counts.allow(settings.max_connections_per_peer, most)
        if context is not None:
            self._listeners.present(context)
            if self._pages is not None:
                self._pages.listener.present(context)
        self._listeners.use(change, settings)

    def _commit_failed(self, error: Exception) -> None:
        """A turn could not be made durable. Its callers have been told so.

        A full disk passes. After any other failure the content of the disk is not known: stop, and
        let the next start read it (threat-model DB-4).
        """
        self._installation.metrics.alarm("commit")
        if isinstance(error, StoreUnavailable) and not self._installation.failed:
            logs.outage("a turn was not made durable", error)
            return
        logs.alarm("a turn was not made durable", error)
        self._fail("a failed commit")

    def _perform(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Perform a ceremony in a turn of its own, so that no other change depends on it."""
        self._outbox.flush()
        if command == "reload":
            waiting = self._reload("keystead reload")
            return {"listening": self._listeners.named, "afterRestart": waiting}
        return perform(self._installation, command, arguments)

    # stopping

    def _fail(self, reason: str) -> None:
        self._status = 1
        self._stop(reason)

    def _stop(self, reason: str) -> None:
        if not self._stopping.is_set():
            logs.info("stopping", signal=reason)
            self._stopping.set()

    async def _drain(self) -> None:
        """Accept no more connections, and serve the requests that have begun to arrive. (OP-4)"""
        self._listeners.close()
        for connection in self._listeners.connections:
            connection.drain()
        loop = asyncio.get_running_loop()
        end = loop.time() + self._config.drain_seconds
        while self._listeners.connections and loop.time() < end:
            await asyncio.sleep(0.02)
            for connection in self._listeners.connections:
                connection.sweep(loop.time())
        self._outbox.stop_work()
        for _ in range(GRACE_LOOKS):
            if not self._outbox.is_working:
                break
            await asyncio.sleep(0.02)
        for connection in self._listeners.connections:
            connection.abort()
        await asyncio.sleep(0)


def _differ(left: Config, right: Config, name: str) -> bool:
    return bool(getattr(left, name) != getattr(right, name))


def _after_a_restart(names: list[str]) -> str:
    """A text that names the changed settings that only a restart can use; "" without any."""
    named = ", ".join(f"`{name}`" for name in names)
    return f"; only a restart changes {named}" if names else ""
