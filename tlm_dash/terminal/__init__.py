"""What reaches a terminal: everything that is printed or logged passes here, and is text.

Names, cells, messages and arguments are somebody else's: none may command the terminal, turn a line around or
pose as a line of ours. May import words and errors. The architecture test forbids every other way to print.
"""
