"""The baseline: the report's work done in the way its published code does it, written anew.

One image after another, one Bitmap a patch, a look-up in the sheet for every patch and label, a data
set that opens a file an item, networks in torch's default layout, scikit-image image by image, folds
one after another. It shares no code with the program. Two things differ from the published code:
Pillow takes the place of OpenCV for decoding and writing, and `transforms.py` that of torchvision,
which PyTorch's CPU build cannot be installed beside; neither makes the baseline slower.
"""
