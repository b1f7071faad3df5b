"""Products and inverses of matrices, bit by bit: the library chooses code for its processor."""

import ctypes
import hashlib
import sys

import numpy

library = ctypes.CDLL(sys.argv[1])
library.openblas_get_corename.restype = ctypes.c_char_p
print(library.openblas_get_corename().decode())


def digest(values):
    return hashlib.sha256(values.tobytes()).hexdigest()


numpy.random.seed(1)
for kind in (numpy.float32, numpy.float64, numpy.complex64, numpy.complex128):
    left = (numpy.random.rand(67, 93) - 0.5).astype(kind)
    right = (numpy.random.rand(93, 71) - 0.5).astype(kind)
    print(kind.__name__, digest(left @ right))
square = numpy.random.rand(60, 60)
inverse = numpy.linalg.inv(square)
print("inverse", digest(inverse), bool(abs(inverse @ square - numpy.eye(60)).max() < 1e-9))
