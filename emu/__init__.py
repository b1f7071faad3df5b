"""The Power ISA machine: processors, storage, time.  It knows nothing of partitions or PAPR.

Editions cited in this package: Power ISA Version 3.0B (Books I, II and III).
"""
