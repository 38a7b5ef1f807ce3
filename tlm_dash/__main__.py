"""`python -m tlm_dash`: the command line."""

import os
import sys

if __name__ == "__main__":
    # First of all: whatever is made from here on is its owner's only.
    os.umask(0o077)

from tlm_dash.install import tell_how_to_get_ready

try:
    from tlm_dash.cli import main
except ImportError as error:
    # Another Python than the environment's: it lacks what is required, or is too old for our own code.
    if (error.name or "").startswith("tlm_dash"):
        raise
    sys.exit(tell_how_to_get_ready())

if __name__ == "__main__":
    sys.exit(main())
