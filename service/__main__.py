"""`python -m service` is the command `darkroom`."""

from service.cli import main

main(prog_name="darkroom")
