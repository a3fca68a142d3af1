"""Workspaces: v1's `Workspace`, its configuration file, and what else belongs to a workspace."""
