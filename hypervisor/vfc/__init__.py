"""Virtual Fibre Channel: a client partition's N_Port, whose server the hypervisor plays.

The client sends management datagrams and SCSI commands by its queue; the server has them from its
storage and writes its answers there.  How they look is what clients' drivers have made known;
Fibre Channel's own parts are FC-FS-3, FC-LS-2, FC-GS-6 and FCP-4.
"""
