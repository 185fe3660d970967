"""The agent as a process: it listens, and asks the server in time."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from keystead.agent.containers import PATH, Containers
from keystead.agent.holding import Holding
from keystead.agent.listening import Listener
from keystead.agent.metadata import Metadata
from keystead.agent.state import State

Address = tuple[str, int]
Started = Callable[[Sequence[str], Sequence[str]], None]
"""Is told the URLs for metadata, and those for containers."""


@dataclass(frozen=True, slots=True)
class Where:
    """The addresses at which the agent listens, and who is told of them."""

    metadata: Sequence[Address]
    containers: Sequence[Address]
    started: Started


async def run(state: State, holding: Holding, where: Where, stop: asyncio.Event) -> None:
    """Serve until `stop`; raises Failure if an address cannot be listened at.

    The server is asked in a thread of its own, so a slow one delays no program. With credentials
    from before the restart, programs are answered at once.
    """

    def hops() -> int:
        current = holding.current
        return (current and current.instance.http_put_response_hop_limit) or 1

    of_metadata, of_containers = Metadata(holding), Containers(holding, state)
    listeners = [Listener(*each, of_metadata.answer, hops) for each in where.metadata]
    others = [Listener(*each, of_containers.answer, hops) for each in where.containers]
    with ThreadPoolExecutor(1, "keystead server") as thread:
        loop = asyncio.get_running_loop()
        pause = 0.0
        if holding.credentials() is None:
            pause = await loop.run_in_executor(thread, holding.refresh)
        servers = [await each.serve() for each in (*listeners, *others)]
        where.started([each.url for each in listeners], [f"{each.url}{PATH}" for each in others])
        while not stop.is_set():
            try:
                async with asyncio.timeout(pause):
                    await stop.wait()
            except TimeoutError:
                pause = await loop.run_in_executor(thread, holding.refresh)
        for server in servers:
            server.close()


def main(state: State, holding: Holding, where: Where) -> None:
    """Run the agent until a signal ends it."""

    async def until_stopped() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run(state, holding, where, stop)

    asyncio.run(until_stopped())
