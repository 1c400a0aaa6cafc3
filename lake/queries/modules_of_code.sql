-- Purpose: the modules of a training code.
-- Grain: one row per module.
-- Parameters: code_digest.
SELECT module, module_digest FROM code_modules WHERE code_digest = ? ORDER BY module
