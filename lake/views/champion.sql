-- Purpose: the models that are the best of their preset now, and why.
-- Grain: one row per source and preset; the newest by sequence, not by the clock.
CREATE OR REPLACE VIEW champion AS
SELECT * FROM champions QUALIFY row_number() OVER (PARTITION BY source, preset ORDER BY sequence DESC) = 1;
