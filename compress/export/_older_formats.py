"""Descriptions in the files of older versions, put into the words of the present format."""

from __future__ import annotations

from compress.schema import must

__all__ = ["of_today"]


def of_today(described: dict) -> dict:
    """Return a description in the words of the present format; what it says is checked afterwards."""
    made = described
    if described["format"] < 4:
        for name in ("parameters", "learned"):
            must(isinstance(described.get(name), dict), name, "an object", described.get(name))
    if described["format"] < 2:
        made = _of_second(made)
    if described["format"] < 3:
        made = _of_third(made)
    return _of_fourth(made) if described["format"] < 4 else made


def _of_second(described: dict) -> dict:
    """The first format had other words for encodings and outputs."""
    parameters, learned = dict(described["parameters"]), dict(described["learned"])
    n, scale = parameters.pop("n_frequencies", 0), parameters.pop("frequency_scale", None)
    parameters["encoding"] = {"n_frequencies": n, "scale": scale} if n else None
    link, flat = learned.get("link"), learned.get("flat")
    learned["output_activation"] = "sigmoid" if link == "binary" else link
    learned["outputs_2d"] = None if flat is None else not flat
    return {**described, "parameters": parameters, "learned": learned}


def _of_third(described: dict) -> dict:
    """The second format knew one encoding, and wrote defaults and what the schema says, too."""
    parameters, learned = dict(described["parameters"]), dict(described["learned"])
    if parameters.get("encoding") is not None:
        parameters["encoding"] = {"PeriodicEncoding": parameters["encoding"]}
    inputs = learned.get("inputs")
    must(isinstance(inputs, dict), "inputs", "an object", inputs)
    missing = inputs.get("nominal_missing")
    right = isinstance(missing, list) and all(isinstance(flag, bool) for flag in missing)
    must(right, "inputs.nominal_missing", "true or false for each column", missing)
    inputs = {key: value for key, value in inputs.items() if key != "n_categories"}
    learned["inputs"] = {**inputs, "nominal_missing": [k for k, flag in enumerate(missing) if flag]}
    return {**described, "parameters": parameters, "learned": learned}


def _of_fourth(described: dict) -> dict:
    """Numbers had no bounds in the third format."""
    learned = described["learned"]
    inputs = learned.get("inputs", {})
    must(isinstance(inputs, dict), "inputs", "an object", inputs)
    if "hidden_layer_sizes" not in learned:  # trees
        return described
    return {**described, "learned": {**learned, "inputs": {**inputs, "margin": None}}}
