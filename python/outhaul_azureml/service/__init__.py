"""Web services of v1: what is deployed, the service, and requests about it."""
