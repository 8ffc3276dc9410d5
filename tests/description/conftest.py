"""The real command and a stand-in provider, as the black-box tests have them."""

from tests.system.conftest import authority, image_host, stand_in, start

__all__ = ("authority", "image_host", "stand_in", "start")
