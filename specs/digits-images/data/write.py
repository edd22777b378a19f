"""Writes digits.zip: scikit-learn's handwritten digits as 8 x 8 PNG files, a folder a digit; the same bytes always.

python write.py            # needs scikit-learn and Pillow
"""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits


def main() -> None:
    """Write the archive beside this file."""
    digits = load_digits()
    with zipfile.ZipFile(Path(__file__).with_name("digits.zip"), "w") as archive:
        for number, (pixels, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
            encoded = io.BytesIO()
            # 0 to 16 in the data, 0 to 255 in the files.
            Image.fromarray(np.minimum(pixels * 16, 255).astype(np.uint8)).save(encoded, "PNG", optimize=True)
            entry = zipfile.ZipInfo(f"{digit}/{number:04}.png", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, encoded.getvalue())


if __name__ == "__main__":
    main()
