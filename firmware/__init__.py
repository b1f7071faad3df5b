"""What a partition finds beside its processors: device tree, client interface, RTAS.

Editions cited in this package: LoPAR revision 2.9, IEEE 1275-1994 and its PowerPC processor
binding (revision 2.1), Devicetree Specification 0.4.
"""
