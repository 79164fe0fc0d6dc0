"""`python -m tpc_hub.cli` is the `campus` command."""

from tpc_hub.cli import main

main()
