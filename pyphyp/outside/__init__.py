"""Ways to the host's networks: what stands behind a Shared Ethernet Adapter's trunk port."""
