-- Purpose: the report's Table 3, folds by angle, with its columns, as found here.
-- Grain: as `paper_folds`, of this label; so units and columns.
CREATE OR REPLACE VIEW paper_table_3 AS
SELECT * EXCLUDE (label) FROM paper_folds WHERE label = 'angle';
