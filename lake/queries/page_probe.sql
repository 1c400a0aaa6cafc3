-- Purpose: what probes read from a night's codes, from PCA and from spectra.
-- Grain: as the view `probe`.
-- Parameters: night_id.
FROM probe
