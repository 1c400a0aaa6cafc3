"""The science of deepdlt: sheets, images, patches, folds, models, training, metrics."""
