"""Virtual Ethernet: frames, switches, and what adapters leave to them."""
