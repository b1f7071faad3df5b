"""A Debian system on a disk: the archive it is installed from, and who installs it in a guest."""
