"""`python -m service` is the command `darkroom`."""

from service.cli import run

run()
