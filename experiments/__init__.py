"""One script per claim; run them as modules: `python -m experiments.model_compression --help`."""
