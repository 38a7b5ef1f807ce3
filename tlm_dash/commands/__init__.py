"""The command line, one module per noun, each with `add_commands(subparsers)`.

May import services, terminal, models, errors and settings. A command parses, calls one service, and prints
through the one printer: facts on standard output, everything else on standard error. Tested by running them.
"""
