-- Purpose: the report's tables, each row beside ours.
-- Grain: as the view `paper_vs_here`, of the newest night with each training.
FROM paper_vs_here
