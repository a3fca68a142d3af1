"""Environments: v1's `Environment` and `CondaDependencies`, and what they mean as environments of Outhaul."""
