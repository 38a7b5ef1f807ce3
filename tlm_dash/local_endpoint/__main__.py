"""Runs the endpoint on its own: `python -m tlm_dash.local_endpoint --port 8080`."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Read the command line and serve."""
    from tlm_dash.local_endpoint import command
    from tlm_dash.terminal.parser import TextParser
    from tlm_dash.terminal.streams import printing

    with printing():
        parser = TextParser(
            prog="python -m tlm_dash.local_endpoint", description="The embedded TLM endpoint."
        )
        command.add_arguments(parser)
        return command.run(parser.parse_args())


if __name__ == "__main__":
    # First of all: whatever is made from here on is its owner's only.
    os.umask(0o077)
    sys.exit(main())
