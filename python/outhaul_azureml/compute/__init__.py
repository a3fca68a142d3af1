"""Compute targets: v1's classes over the targets of Outhaul. `base` looks up and attaches, a file for each kind says
what it is attached with, `login` holds the rules for user, password and key.
"""
