-- Purpose: have the questions of a night's analysis be asked again of runs, groups and splits; what was answered stands meanwhile.
-- Grain: removes one row per subject and question.
-- Parameters: list of subjects.
DELETE FROM analyses WHERE question != 'audit' AND subject IN (SELECT unnest(?::VARCHAR[]))
