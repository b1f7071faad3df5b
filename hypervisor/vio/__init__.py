"""Virtual I/O adapters (LoPAR chapter 17)."""
