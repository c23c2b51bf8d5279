"""
Compress a random forest
========================

A forest that tells spruce from other trees by where they stand (a part of the forest cover data, 4,000 rows to learn
from) becomes a net of 128 hidden units. Beside it stands what one would try first: the same net on the same rows,
without the forest.
"""

# %%
# The teacher
# -----------
# It does its own encoding of the two nominal columns, as a pipeline.
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from compress import MUNGE, StudentClassifier, TransferSet
from data.load import load_problem

problem = load_problem("covtype", seed=0)
X, y, X_test, y_test = (
    problem.X_train,
    problem.y_train,
    problem.X_test[:5000],
    problem.y_test[:5000],
)

encoder = make_column_transformer(
    (
        OneHotEncoder(handle_unknown="ignore"),
        make_column_selector(dtype_exclude="number"),
    ),
    remainder="passthrough",
)
forest = make_pipeline(
    encoder, RandomForestClassifier(200, n_jobs=2, random_state=0)
).fit(X, y)

# %%
# Rows, and the forest's answers
# ------------------------------
# MUNGE makes rows of the same kind, nine for each; it never sees a label. The transfer set holds the original rows and
# the generated ones, with the forest's probabilities.
munge = MUNGE(p=0.2, s=5, random_state=0).fit(X)
transfer = TransferSet.from_teacher(forest, X, generator=munge, n_rows=40_000)
print(f"{len(transfer):,} rows, the first {transfer.n_original:,} of them original")

# %%
# Two students
# ------------
taught = StudentClassifier((128,), max_epochs=25, random_state=0).fit(transfer)
untaught = StudentClassifier((128,), random_state=0).fit(X, y)

# %%
# What came out
# -------------
# The error is the RMSE of the probability to the 0/1 label on rows that none of them has seen.
import pickle

from matplotlib import pyplot as plt

from compress.evaluation import rmse

models = {"forest": forest, "net, taught": taught, "net, untaught": untaught}
errors = {
    name: rmse(y_test, model.predict_proba(X_test))
    for name, model in models.items()
}
sizes = {
    name: len(pickle.dumps(model) if model is forest else model.to_bytes())
    for name, model in models.items()
}
for name in models:
    print(f"{name:14} RMSE {errors[name]:.4f}  {sizes[name]:>12,} bytes")

figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
for (name, error), marker in zip(errors.items(), "s^o"):
    axis.plot(
        sizes[name],
        error,
        marker,
        color="black",
        markersize=8,
        fillstyle="none" if marker == "o" else "full",
    )
    axis.annotate(
        name, (sizes[name], error), (0, 10), textcoords="offset points", ha="center"
    )
axis.set(xscale="log", xlabel="bytes", ylabel="RMSE on test rows", xlim=(1e3, 1e8))
axis.set_title("error and size of the forest and of the two nets", fontsize=10)
axis.margins(y=0.3)
plt.show()

# %%
# One seed and a short training show how it is done, and no more. Teaching is not always worth it, and the best student
# not always a net: :doc:`plot_4_budget` lets small models compete, and :doc:`/docs/theory` says what our runs show.
