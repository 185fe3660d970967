"""When does the refusal of a sign-in leave?  At the end of a period, whatever was done before.

A name that somebody has costs some look-ups more than one that nobody has. That is a tenth of a
millisecond beside the hash, and many tries would show it. So the page is made first, and leaves
half a second after its request came. It is a second if the hash had to wait for others, and so on.
A sign-in that succeeds tells its person nothing new, and does not wait.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

SECONDS = 0.5  # several times what one hash takes, so that few refusals come near the end of one

_REFUSALS = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})

Handler = Callable[[Request], Awaitable[Response]]


def evenly(handler: Handler) -> Handler:
    """The same handler, whose refusals leave at the end of a period."""

    async def handle(request: Request) -> Response:
        loop = asyncio.get_running_loop()
        began = loop.time()
        response = await handler(request)
        if response.status_code in _REFUSALS:
            await asyncio.sleep(left(loop.time() - began))
        return response

    return handle


def left(elapsed: float) -> float:
    """The seconds until the end of the period."""
    return SECONDS - elapsed % SECONDS if SECONDS else 0.0
