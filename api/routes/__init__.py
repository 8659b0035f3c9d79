"""One file per noun; each holds a router that `api.app` includes."""
