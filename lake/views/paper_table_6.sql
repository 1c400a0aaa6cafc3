-- Purpose: the report's Table 6, folds by PP1, with its columns, as found here.
-- Grain: as `paper_folds`, of this label; so units and columns.
CREATE OR REPLACE VIEW paper_table_6 AS
SELECT * EXCLUDE (label) FROM paper_folds WHERE label = 'PP1';
