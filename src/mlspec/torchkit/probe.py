"""A program that asks torch what devices there are, and prints the answer as JSON."""

import json

import torch


def main() -> None:
    """Print the CUDA version that torch is built for, the names of its devices, and whether there is Apple's."""
    there = torch.cuda.is_available()
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] if there else []
    print(json.dumps({"cuda": torch.version.cuda, "devices": names, "mps": torch.backends.mps.is_available()}))


if __name__ == "__main__":
    main()
