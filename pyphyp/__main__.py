"""`python -m pyphyp` is the command `pyphyp`."""

import sys

from .cli import main

sys.exit(main())
