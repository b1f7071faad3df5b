"""A managed machine as a process of its own, and how to speak with it.

`protocol` says what goes over the Unix socket; `client` is the caller's end of it, `server` and
`connection` the daemon's, in a thread of their own.  `inbox` carries requests over to the thread
that runs the machine, where `service` performs them between two windows.
"""
