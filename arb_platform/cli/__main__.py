"""``python -m arb_platform.cli`` is ``arb``."""

from arb_platform.cli import main

main()
