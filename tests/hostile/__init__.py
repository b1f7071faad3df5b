"""Hostile guests: whatever a guest does, the host process and other partitions stay as they are.

Each driver makes guests from a seed, in rounds: `drive(seed, count)` runs until `count` calls or
instructions are done.  A round is a partition of its own and depends on nothing but seed and
number, so one that fails can be run alone:

    python -m tests.hostile instructions --seed 1 --count 1000000
    python -m tests.hostile instructions --seed 1 --round 37

Start with `rounds.py` (what is watched) and `words.py` (which instructions).
"""
