"""Train several models of one architecture as one network (`train` is the way in)."""
