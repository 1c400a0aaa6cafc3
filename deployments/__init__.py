"""How and where the flows run: deployments, the local stack, the command line."""
