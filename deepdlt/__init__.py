"""The science of deepdlt: sheets, images, patches, folds, models, training, metrics.

It knows nothing of storage or of Prefect; frames of polars and arrays go in and come out. Where to look:

Settings of a night
    `config`, `training_settings`, `presets`, `night` (what is to be trained), `sharing` (how a batch shares a machine),
    `provenance` (which code and libraries), `hardware`, `digest`, `seeds`, `threads`, `errors`
From a folder to images and labels
    `survey` (the way in), `fingerprint`, `source_files`, `source_errors`, `file_content`, `names`, `examine`, `settle`,
    `survey_frames`, `faults`
Label sheet
    `sheet` (the way in), `sheet_spec`, `column_spec`, `sheet_cells`, `sheet_values`, `field_of_view`;
    declarations in `sheets/*.toml`
Image files
    `images` (the way in), `grey`, `image_errors`, `recorded_warnings`
Patches and folds
    `patches`, `folds`, `strata`, `dealing`; what a split leaks: `audit`, `image_groups`, `overlap`; exported by
    `layout`, `bitmap`, `replacing`
Models
    `models` (the report's autoencoder and variational autoencoder, our residual one), `reconstruction`, `sampling`
Training
    `training` (the way in), `epochs`, `patchset` (`streaming` where memory is short), `devices`, `optimisers`,
    `progress`, `checkpoints`, `target_ranges`
    several as one network: `training_together` (the way in), `epochs_together`, `step_together`, `replay`, `stack`,
    `updates`, `models.grouped`, `halving`; `course` (one training, alone or beside others)
What goes in and what is minimised
    input: `transforms`, `corruption`, `symmetry`, `spectrum`, `scale`; loss: `losses`, `objectives`, `objective_names`,
    `dissimilarity`, `features`, `vgg`; in the course of a training: `schedules`, `schedule_curves`, `patience`
Metrics
    `metrics` (on a CPU by `metric_kernels`), `scoring`, `baselines`, `summaries`
Pictures
    `figures`; what they show: `examples` (which patches), `walks` (through a code), `radial_power`
Page of a night
    `page` (the way in: `page.render`)
Synthetic images
    `synth` (the way in), `surfaces`, `conditions`, `optics`
What the numbers are worth
    without a network: `fold_baselines` (the way in), `pca`, `eigen`; which label is harder: `difficulty`,
    `difficulty_sentences`, `resampling`, `corrections`; codes: `latents`, `embeddings`; do they know the laser:
    `probes`, `probe_models`, `spectral_features`
"""
