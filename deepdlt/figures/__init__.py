"""Pictures as PNG bytes: frames and arrays in, files out. One module a family, nothing imported here.

`curves` (losses, PSNR, SSIM), `reconstructions`, `imagined` (what a VAE makes up), `extremes` (worst and best patches),
`spectra`, `codes` (in the plane), `difficulty` (label values, leakage), `shares` (what folds hold), `dataset`;
`style` and `tiles` are what they share; `words` puts a title and a sentence into a PNG.

The same input gives the same bytes. Text can be read at half size; colours are those of Okabe and Ito, told apart by
the colour-blind, and never carry a meaning without a mark, a line style or a place that says the same.
"""
