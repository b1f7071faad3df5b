"""A storage area network: fabrics with their name servers and zones, storage, and who uses it.

What ports and fabrics are called is Fibre Channel's (FC-FS-3, FC-GS-6, FC-LS-2).
"""
