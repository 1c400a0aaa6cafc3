"""The science of deepdlt: sheets, images, patches, folds, models, training, metrics.

It knows nothing of storage or of Prefect; frames of polars and arrays go in and come out. Where to look:

here
    what a night is told and plans: `config`, `presets`, `night` (what is to be trained), `refresh` (what is done anew),
    `sharing` (how a batch shares a machine); what stands behind a number: `provenance` (which code and libraries;
    what a file of it runs and imports: `parsed`), `hardware`, `digest`, `seeds`; `threads`,
    `compiled` (loops in machine code); `replacing` (a folder as a whole), `errors`
`source`
    from a folder to images and labels: `survey` (the way in)
`sheets`
    the label sheet: `sheet` (the way in); its declaration: `spec`, `dlip.toml`, in words: `meanings`
`dataset`
    `patches`, `folds`; what a split leaks: `audit`; the folders of the report: `layout`
`models`
    the report's autoencoder and variational autoencoder, and our residual one; on a CPU, `pooling` in one pass
`training`
    `train` (the way in), `epochs`, `patchset` (`streaming` where memory is short), `checkpoints`, `settings`
`together`
    several trainings of one architecture as one network: `train` (the way in)
`inputs`
    what goes in: `transforms`, with noise (`corruption`), turns (`symmetry`) and spectra (`spectrum`)
`loss`
    what is minimised: the report's (`losses`), and others by name, mixed by weight (`objectives`)
`quality`
    `metrics` (on a CPU by `kernels`), `scoring` of patches, `summaries`, and what needs no model (`baselines`)
`analysis`
    without a network: `fold_baselines` (the way in), `pca`; which label is harder: `difficulty`; codes: `latents`,
    `embeddings`; do they know the laser: `probes`; which model is the best: `champion`; is a new image like the
    known ones: `drift`
`figures`
    pictures as PNG bytes, and what they show: `examples` (which patches), `walks` (through a code), `radial_power`
`page`
    the page of a night: `render` (the way in)
`synthetic`
    synthetic images of laser-structured metal and their sheet: `synth` (the way in)
"""
