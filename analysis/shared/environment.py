"""Where the analysis ran, as far as its numbers can depend on it."""

import platform
from importlib.metadata import version

import torch

PACKAGES = ("torch", "numpy", "scikit-learn", "matplotlib")


def environment(device: torch.device) -> dict[str, str]:
    """Device, system, and versions."""
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "device": where,
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }
