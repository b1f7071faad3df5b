"""Logical partitions and what they may ask of the machine they share.

Editions cited in this package: Linux on Power Architecture Reference (LoPAR) revision 2.9,
Power ISA Version 3.0B.
"""
