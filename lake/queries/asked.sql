-- Purpose: subjects that a question has been put to already, with these labels and this code.
-- Grain: one row per subject.
-- Parameters: question, asked_of.
SELECT subject FROM analyses WHERE question = ? AND asked_of = ?
