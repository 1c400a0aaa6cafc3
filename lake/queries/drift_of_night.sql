-- Purpose: the champion that looks at a night's new images: of those of its source, the one with the highest PSNR.
-- Grain: one row; none where there is no champion, where it was trained on this very data set, or on patches of another size.
-- Parameters: night_id.
WITH best AS (
    SELECT champion.*, nights.dataset_id, nights.sequence AS night
    FROM champion JOIN nights USING (source)
    WHERE nights.night_id = ?
    ORDER BY champion.psnr_db DESC, champion.sequence
    LIMIT 1
)
SELECT
    best.source, best.preset, best.group_id, best.run_id, best.dataset_id, best.night AS night_sequence,
    runs.split_id, runs.seed, runs.settings::VARCHAR AS settings, recipes.size_px
FROM best
JOIN runs USING (run_id)
JOIN datasets AS theirs ON theirs.dataset_id = runs.dataset_id
JOIN datasets AS ours ON ours.dataset_id = best.dataset_id
JOIN recipes ON recipes.recipe_id = ours.recipe_id
JOIN recipes AS before ON before.recipe_id = theirs.recipe_id AND before.size_px = recipes.size_px
WHERE theirs.dataset_id != ours.dataset_id
