"""Start Gongwu from the installed package (this file becomes `gongwu/__init__.py` in the wheel).

The five folders are top-level import names in the checkout. In the wheel they lie inside
`gongwu/`, so that nothing else reaches site-packages; putting that directory first on the
path gives both the same names.
"""

from __future__ import annotations

import sys
from pathlib import Path

_here = str(Path(__file__).resolve().parent)
if _here not in sys.path:
    sys.path.insert(0, _here)


def main() -> None:
    """Run the command line; its exit code is the process's."""
    from api.cli import app

    app()
