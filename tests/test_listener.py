"""Closing a listener loses none of the connections that were accepted before."""

import asyncio
import socket

from service.listener import stop_accepting


async def test_who_was_accepted_the_moment_before_the_listener_is_closed_is_served() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"served")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    loop, (bell, rope) = asyncio.get_running_loop(), socket.socketpair()
    rung = asyncio.Event()
    loop.add_reader(bell, rung.set)
    rope.send(b"!")
    with bell, rope, socket.create_connection(server.sockets[0].getsockname(), timeout=5) as caller:
        await rung.wait()  # the loop hears of both in one turn, of the bell first: the caller has no transport yet
        await stop_accepting(server)
        loop.remove_reader(bell)
        assert (await asyncio.to_thread(caller.recv, 6), server.is_serving()) == (b"served", False)
