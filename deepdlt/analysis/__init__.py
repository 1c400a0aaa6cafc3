"""What the numbers are worth: which label is harder, do codes know the laser, how far PCA comes."""
