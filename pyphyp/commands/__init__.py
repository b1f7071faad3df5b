"""The commands; each module has a table `COMMANDS` of those it defines."""
