"""`python -m pyphyp` is the command `pyphyp`."""

from .cli import main

main()
