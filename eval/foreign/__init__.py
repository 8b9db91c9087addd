"""Recognisers of other people, each in a Python environment of its own, behind pipes. See docs/adding-a-peer.md."""
