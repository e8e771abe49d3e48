"""``python -m coma_xr``: the terminal commands."""

from __future__ import annotations

import sys

from coma_xr.cli import main

if __name__ == "__main__":
    sys.exit(main())
