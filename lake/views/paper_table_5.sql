-- Purpose: the report's Table 5, folds by NP, with its columns, as found here.
-- Grain: as `paper_folds`, of this label; so units and columns.
CREATE OR REPLACE VIEW paper_table_5 AS
SELECT * EXCLUDE (label) FROM paper_folds WHERE label = 'NP';
