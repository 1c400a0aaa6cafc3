-- Purpose: the newest night.
-- Grain: one row, none before the first night. Newest by sequence, not by the clock.
CREATE OR REPLACE VIEW latest_night AS
SELECT * FROM nights ORDER BY sequence DESC LIMIT 1;
