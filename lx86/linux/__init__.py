"""Linux for an i386 program: what a kernel does for it, done on the host's Linux.

call.py       how a system call is declared and carried out
program.py    what a process runs, and on what
process.py    the program's process: its threads' turns, what they wait for, how it ends
loader.py     from an ELF file to the first instruction; memory.py says where things lie
files.py      the program's view of files: a root, and what is bound to it
signals.py    signals from the host to handlers of the program; frames.py is what handlers see
host.py       calls of the host that Python does not have
calls/        the system calls, by subject

A process of the program is a process of the host, and its file descriptors are the host's with
the same numbers.  Its threads are not the host's: they take turns on the one processor.
"""
