"""SCSI logical units that virtual adapters offer (SAM-5, SPC-4, SBC-3, MMC-6).

Everything in CDBs and parameter data is big-endian.
"""
