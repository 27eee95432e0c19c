"""What scripts share that look at NIfTI files."""

import gzip

import nibabel
import numpy as np


def stored(path):
    """Stored values as they lie in the file, without the rescale, and the header."""
    image = nibabel.load(path)
    opened = gzip.open if str(path).endswith(".gz") else open
    with opened(path, "rb") as file:
        file.seek(image.dataobj.offset)
        raw = file.read()
    dtype = image.header.get_data_dtype()
    values = np.frombuffer(raw[: int(np.prod(image.shape)) * dtype.itemsize], dtype).reshape(image.shape, order="F")
    return values.astype(dtype.newbyteorder("=")), image
