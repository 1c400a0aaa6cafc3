"""The page of a night: frames and pictures in, one self-contained HTML file out. No storage here.

The way in
    `render`; its templates, style and script lie beside it as ``*.j2``, ``*.css``, ``*.js``
What stands on the page
    `answers` on top, made by `difficulty_words`, `probe_words`, `leakage_words`, `quality_words`; below them
    `sections`: `context` (what was new, what ran and why, published against here, versions) and `results`
What it is made of
    `parts`, `tables`, `columns`, `numbers`, `words`; `reasons` says why a training ran, `steps` why a step did,
    `standing` which models are worse than a flat patch
"""
