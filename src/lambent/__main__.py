"""`python -m lambent`: the same as `lambent`."""

import sys

from lambent.cli import main

sys.exit(main())
