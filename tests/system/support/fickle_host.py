"""An image host that goes away and comes back under the same address."""

from tests.system.support.image_host import ImageHost
from tests.system.support.ports import listening_socket


class FickleHost(ImageHost):
    """`go_away` refuses connections and ends those that are open, until `come_back`."""

    async def go_away(self) -> None:
        await self.close()
        self._listeners = []

    async def come_back(self) -> None:
        self._listeners = [listening_socket(address, self.port) for address in self._addresses]
        for listener in self._listeners:
            self._start(self._accept(listener))
