"""The compiled part of the build; everything else stands in pyproject.toml."""

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

ADVICE = """
pyphyp compiles a small C extension when it is installed, and that failed.
It needs a C compiler and the Python headers.  On Debian or Ubuntu:

    sudo apt-get install gcc python3-dev

Then run the same pip command again.  The compiler's own words:
"""


class BuildExtension(build_ext):
    """Say what is missing instead of ending in a compiler trace."""

    def build_extensions(self) -> None:
        try:
            super().build_extensions()
        except (CompileError, OSError) as failure:
            raise SystemExit(f"{ADVICE}\n    {failure}\n") from failure


setup(cffi_modules=["emu/native/build.py:ffibuilder"], cmdclass={"build_ext": BuildExtension})
