"""`python -m athena`."""

from athena.cli.main import main

main()
