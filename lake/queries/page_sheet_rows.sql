-- Purpose: what each sheet calls its images, and in which row: synthetic ones are known by it.
-- Grain: one row per source and image with labels.
SELECT source, sheet_row, name FROM labels
