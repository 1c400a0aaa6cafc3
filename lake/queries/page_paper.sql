-- Purpose: the report's tables, each row beside ours.
-- Grain: as the view `paper_vs_here`: of a night, and of earlier ones with its source.
-- Parameters: night_id.
FROM paper_vs_here
