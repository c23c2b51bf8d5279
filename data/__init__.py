"""Real data sets: small bundled files, a command that fetches the others, and loaders.

`data.load.load_problem` gives a data set split into training, validation and
test rows; `python -m data.prepare` fills the cache. `README.md` lists every file.
"""
