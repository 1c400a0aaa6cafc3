"""What goes into a model: transforms of patches, noise, turns, spectra, and the scale of grey levels."""
