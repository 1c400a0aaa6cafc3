"""Keep the lake small and its files few."""
