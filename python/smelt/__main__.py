"""``python -m smelt`` is the command ``smelt``."""

import sys

from smelt.app.main import main

if __name__ == "__main__":
    sys.exit(main())
