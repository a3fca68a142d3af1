"""Models of v1: the class, requests to the registry, and where a model's files lie on this machine."""
