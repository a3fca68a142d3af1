"""Outhaul inside a run: `from outhaul.run import Run`.

Kept empty on purpose: everything imported here is paid for by every run.
"""
