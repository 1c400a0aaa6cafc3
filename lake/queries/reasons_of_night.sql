-- Purpose: the steps before the trainings of a night, and why each ran: what a training's reasons are is in its runs.
-- Grain: one row per step, by name.
-- Parameters: night_id.
SELECT step, is_hit, is_asked_for, changed, made_in FROM reasons WHERE night_id = ? AND NOT starts_with(step, 'train ') ORDER BY step
