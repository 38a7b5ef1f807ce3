"""The command line, one module per noun, each with `add_commands(subparsers)`.

May import services, models, errors and settings. A command parses, calls one service, and prints: facts on
standard output, everything else on standard error. Tested by running them.
"""
