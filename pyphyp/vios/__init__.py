"""The built-in Virtual I/O Server: storage that it lends to client partitions, and who gets what.

`Vios` is the engine; `shell` has the padmin command line, which does everything by it.
"""
