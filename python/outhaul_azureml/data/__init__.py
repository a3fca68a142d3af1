"""Data: the workspace's datastore, references to paths on it, datasets of files and of delimited text.

In local mode the datastore is a folder of the data folder. What reaches a run is decided in `delivery`.
"""
