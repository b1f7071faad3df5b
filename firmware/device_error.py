"""What goes wrong with the devices that firmware uses."""


class DeviceError(Exception):
    """A device cannot be used; the message says why."""
