"""The `recite` command: starts and checks the whole system, and talks to a running one over HTTP."""
