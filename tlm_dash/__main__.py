"""`python -m tlm_dash`: the command line."""

import sys

from tlm_dash.cli import main

if __name__ == "__main__":
    sys.exit(main())
