-- Purpose: what the answers that pictures show were asked of: another digest is another answer.
-- Grain: one row per subject and question.
SELECT subject, question, asked_of FROM analyses WHERE question IN ('difficulty', 'probe')
