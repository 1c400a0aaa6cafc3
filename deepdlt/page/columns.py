"""What a column of the lake is called on the page, what it means with its unit, and how its numbers are written."""

from dataclasses import dataclass

from deepdlt.page.numbers import Form

_RANGE = "per patch, in the run's own target range"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as people see it.

    Attributes
    ----------
    text : str
        Its name, short.
    hint : str
        What it means, with its unit.
    form : Form
        How its numbers are written.
    is_aside : bool
        Whether it goes below the table where every row says the same.
    """

    text: str
    hint: str = ""
    form: Form = "plain"
    is_aside: bool = False


COLUMNS: dict[str, Column] = {
    # Names of a training.
    "preset": Column("Training", "Named training, as deepdlt/presets.py defines it", is_aside=True),
    "scheme": Column(
        "Scheme",
        "paper: drawn over patches, as in the report; grouped: over images; condition: over laser settings; "
        "leave-one-level-out: each tests a label value not trained on; holdout: one 80/10/10 split of the images",
        is_aside=True,
    ),
    "label": Column("Label", "Label that folds are drawn by, or that is asked about", is_aside=True),
    "label_value": Column("Value", "Value of the label"),
    "fold": Column("Fold", "1-based", is_aside=True),
    "seed": Column("Seed", "Seed of the training", is_aside=True),
    "split": Column("Split", "Held-out side of the fold", is_aside=True),
    "side": Column("Side", "Held-out side of the fold; held_out: val and test", is_aside=True),
    # Counts.
    "n_folds": Column("Folds", "Number of folds", "count", is_aside=True),
    "n_seeds": Column("Seeds", "Number of seeds", "count", is_aside=True),
    "n_images": Column("Images", "Number of images", "count", is_aside=True),
    "n_patches": Column("Patches", "Number of patches", "count", is_aside=True),
    "n_rows": Column("Times", "Number of files or rows", "count"),
    "n_runs": Column("Runs", "Number of trainings", "count"),
    # Losses and quality.
    "train_loss": Column("Train loss", f"What training minimises, {_RANGE}; last epoch", "loss"),
    "val_loss": Column("Val loss", f"What training minimises, {_RANGE}", "loss"),
    "test_loss": Column("Test loss", f"What training minimises, {_RANGE}; ± SD over folds", "loss"),
    "loss": Column("Loss", f"What training minimises, {_RANGE}", "loss"),
    "mse": Column("MSE", f"Mean squared error {_RANGE}", "loss"),
    "kl": Column("KL", "KL divergence per patch, nats", "loss"),
    "floor_mse": Column("Floor", "Least MSE that any output on [0, 1] can reach", "loss"),
    "flat_mse": Column("Flat", "MSE of each patch's own mean", "loss"),
    "flat_reachable_mse": Column("Flat on [0, 1]", "MSE of the best flat patch within [0, 1]", "loss"),
    "gain_offset_mse": Column("Gain, offset", "MSE of the mean training patch, with gain and offset fitted", "loss"),
    "pca_8_mse": Column("PCA-8", "MSE of PCA with 8 components, fitted on the fold's training patches", "loss"),
    "pca_32_mse": Column("PCA-32", "MSE of PCA with 32 components", "loss"),
    "pca_128_mse": Column("PCA-128", "MSE of PCA with 128 components, fitted on the training patches", "loss"),
    "pca_512_mse": Column("PCA-512", "MSE of PCA with 512 components", "loss"),
    "percent_of_reachable": Column(
        "Reached, %", "0: as good as the best flat patch; 100: as good as any output on [0, 1] can be", "percent"
    ),
    "psnr_db": Column("PSNR, dB", "Fixed range, on [0, 1]", "db"),
    "ssim": Column("SSIM", "Window 7, data range 1, on [0, 1]", "score"),
    "psnr_paper_db": Column("PSNR (report), dB", "By the report's definition: range of each patch", "db"),
    "ssim_paper": Column("SSIM (report)", "By the report's definition: both images stretched to [0, 1]", "score"),
    "seed_sd": Column("SD of seeds", "Sample standard deviation of the MSE over seeds", "loss"),
    "image_mean": Column("Over images, 95 % CI", "Mean over images of each image's mean error", "loss"),
    # Which label is harder.
    "mean_loss": Column("Mean MSE, 95 % CI", f"Mean squared error of test patches, {_RANGE}; over conditions", "loss"),
    "sentence": Column("Sentence"),
    "p_label": Column("p", "Label values shuffled over conditions, after Holm for the labels", "p"),
    "higher_label": Column("Higher", "Label with the higher average"),
    "loss_higher": Column("Higher average", "Test loss of that label's folds; ± SD over folds", "loss"),
    "lower_label": Column("Lower", "Label with the lower average"),
    "loss_lower": Column("Lower average", "Test loss of that label's folds; ± SD over folds", "loss"),
    # Does the code know the laser.
    "features": Column("Features", "latent: the code; pca_k: k principal components; spectrum: radial power"),
    "probe": Column("Probe", "logistic, ridge, or knn: nearest neighbours"),
    "unit": Column("Unit", "patch, or image by vote of its patches"),
    "metric": Column("Metric", "Accuracies lie in [0, 1]; r2 is at most 1, below 0 worse than the mean"),
    "score": Column("Score", "On images that the probe has not seen", "score"),
    "null_mean": Column("By chance", "Mean ± SD of the score with labels shuffled over conditions", "score"),
    "p_value": Column("p, uncorrected", "Share of shuffles at least as good, not corrected for the labels", "p"),
    "n_permutations": Column("Shuffles", "Number of shuffles", "count", is_aside=True),
    "n_values": Column("Values", "Number of label values", "count"),
    # Leakage.
    "loss_paper": Column("Report's folds", "MSE on folds over patches, mean over images", "loss"),
    "loss_safe": Column("Safer folds", "MSE on the folds named at the left, mean over images", "loss"),
    "gap": Column("Gap, 95 % CI", "Safer minus report's, over images: what the report's folds hide", "loss"),
    "gap_seed_sd": Column("SD of the gap over seeds", "Sample standard deviation of the gap over seeds", "loss"),
    "n_shared_images": Column("Images shared", "Images on both sides", "count"),
    "n_shared_conditions": Column("Conditions shared", "Laser settings on both sides", "count"),
    "n_shared_spots": Column("Spots shared", "Places on the sample on both sides", "count"),
    "n_conditions": Column("Conditions", "Laser settings on the held-out side", "count"),
    "n_spots": Column("Spots", "Places on the sample on the held-out side", "count"),
    "overlap_share": Column("Overlap, %", "Held-out patches that share a pixel with a training patch", "share"),
    "image_share": Column("Images, %", "Held-out images that are trained on, too", "share"),
    "condition_share": Column("Conditions, %", "Held-out laser settings that are trained on, too", "share"),
    "spot_share": Column("Spots, %", "Held-out places on the sample that are trained on, too", "share"),
    "n_merged_strata": Column("Merged bins", "Bins of the stratification that hold several values", "count"),
    "deviating_value": Column("Most uneven", "Label value whose share differs most from training"),
    "largest_deviation": Column("By, %", "Its share on the held-out side minus that in training", "share"),
    # Published against here.
    "paper_row": Column("Row", "Of the report's table"),
    "paper_table": Column("Table", "Of the report"),
    "published": Column("Published", "As the report prints it", "loss"),
    "here": Column("Here", "As found here", "loss"),
    "difference": Column("Difference", "Here minus published; of labels, higher minus lower ± SD of one fold", "loss"),
    "published_train": Column("Train, published", "Loss per patch on [-1, 1]", "loss"),
    "here_train": Column("Train, here", "Loss per patch on [-1, 1]", "loss"),
    "published_val": Column("Val, published", "Loss per patch on [-1, 1]", "loss"),
    "here_val": Column("Val, here", "Loss per patch on [-1, 1]", "loss"),
    "published_test": Column("Test, published", "Loss per patch on [-1, 1]", "loss"),
    "here_test": Column("Test, here", "Loss per patch on [-1, 1]", "loss"),
    "profile": Column("Profile", "How much of the report's budget was spent", is_aside=True),
    "sequence": Column("Found in night", "Number of the night that it was found in", "count", is_aside=True),
    "epochs": Column("Epochs", "Epochs of each training", "count", is_aside=True),
    # What was new, what ran.
    "step": Column("Step", "Part of the night"),
    "outcome": Column("Outcome", "Done this night, or reused because it stood complete"),
    "labels": Column("Labels", "Labels that folds are drawn by", is_aside=True),
    "reason": Column("Why", "What differs from the same training of an earlier night; or why there is no answer"),
    "seconds": Column("Time", "Spent training and scoring", "seconds"),
    "n_parameters": Column("Parameters", "Number of trained parameters", "count", is_aside=True),
    "error": Column("What failed", "Error that the training ended with"),
    "diverged": Column("First try", "What ended it"),
    "path": Column("File or row", "Relative to the source folder"),
    "rule": Column("Rule", "Rule that is broken"),
    "value": Column("Found", "What stood there"),
    "message": Column("What is wrong"),
    "remedy": Column("What to do"),
    "width_px": Column("Width (px)", "", "count", is_aside=True),
    "height_px": Column("Height (px)", "", "count", is_aside=True),
    "file_format": Column("Format", "Of the file", is_aside=True),
    "source_mode": Column("Mode", "Of the file before it was made 8-bit grey", is_aside=True),
    # Champions, and how new images look to them.
    "is_promoted": Column("Champion", "Whether it took the champion's place"),
    "decision": Column("Reason", "Which part of the rule decided"),
    "image_mse": Column(
        "Error by image", "Mean over test images of each one's mean squared error, target range", "loss"
    ),
    "champion_difference": Column("Against champion, 95 % CI", "Error minus the champion's, over images", "loss"),
    "how": Column("How", "promoted, or rolled back: made champion again by hand", is_aside=True),
    "night_sequence": Column("Night", "Number of the night that decided", "count", is_aside=True),
    "run_id": Column("Run", "Id of the training"),
    "image": Column("Image", "As the sheet names it"),
    "verdict": Column("Looks", "known, new condition, microscope changed or bad image"),
    "loss_percentile": Column("Above, %", "Held-out patches of the champion with a smaller error", "percent"),
    "latent_distance": Column(
        "Distance",
        "Of its code to the nearest known image's; 1: as far as any known image is from its nearest",
        "score",
    ),
    "unseen_labels": Column("Not seen before", "Label values that the champion has not seen"),
    "pixel_size_nm": Column("Pixel (nm)", "Pixel size", is_aside=True),
    "field_of_view_um": Column("View (μm)", "Field of view along x", is_aside=True),
    # Provenance.
    "target_range": Column("Targets", "signed: [-1, 1]; unit: [0, 1]", is_aside=True),
    "code_digest": Column("Training code", "Digest of the code between a patch and a metric"),
    "libraries": Column("Libraries", "Python and the libraries that shape the numbers"),
    "device": Column("Device", "cpu, cuda or mps", is_aside=True),
    "hardware": Column("Hardware", "Processor that trained"),
    "seeds": Column("Trained with seeds", "Seeds of the trainings"),
}
