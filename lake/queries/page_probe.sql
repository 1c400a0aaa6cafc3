-- Purpose: what probes read from a night's codes, from PCA and from spectra.
-- Grain and units: as the view `probe`.
-- Parameters: night_id.
FROM probe
