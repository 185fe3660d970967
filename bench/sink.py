"""Somebody else's server, for a flood that does not concern ours: it answers without a thought.

python -m bench.sink    reads from its first line of input, as JSON, the files of a certificate
                        and its key (empty: over TCP), says at which port it listens, and serves
                        until its input ends
"""

import asyncio
import json
import ssl
import sys

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
END_OF_HEAD = b"\r\n\r\n"


class Sink(asyncio.Protocol):
    """One connection: an answer for each head."""

    _transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a TCP listener

    def data_received(self, data: bytes) -> None:
        if heads := data.count(END_OF_HEAD):
            self._transport.write(ANSWER * heads)

    def pause_writing(self) -> None:
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()


async def serve(certificate: str, key: str) -> None:
    """Serve until the input ends."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin, ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(*json.loads(sys.stdin.readline())))
