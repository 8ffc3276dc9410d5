"""Closing asyncio's servers in tests without losing a connection that was accepted that very moment."""

import asyncio


async def stop_listening(server: asyncio.Server) -> None:
    """Close it once all that it accepted have their transports: asyncio would leave their sockets open for ever.

    `service.listener` has the same; tests of the whole program do not import it.
    """
    for listener in server.sockets:
        asyncio.get_running_loop().remove_reader(listener)
    await asyncio.sleep(0)
    server.close()
