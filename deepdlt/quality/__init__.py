"""How good a reconstruction is: metrics by their definition, scores of patches, their means, what needs no model."""
