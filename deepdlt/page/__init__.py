"""The page of a night: frames and pictures in, one self-contained HTML file out.

`render` is the way in; `sections` says what stands on the page, `tables` and `columns` how numbers are shown, `words`
which sentences they support. Templates, style and script lie beside them as `*.j2`, `*.css`, `*.js`. No storage here.
"""
