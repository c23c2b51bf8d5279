"""
A LightGBM model with categories
================================

The census table ADULT has eight columns of categories and missing values. LightGBM takes both as they are, and so does
the student, whose file holds all the preprocessing.
"""

# %%
# The teacher
# -----------
# It is fitted by hand and used as it is; one that is not fitted would be fitted on the same rows.
from lightgbm import LGBMClassifier

from compress import MUNGE, CompressedClassifier, StudentClassifier
from data.load import load_problem

problem = load_problem("adult", seed=0)
X, y, X_test, y_test = (
    problem.X_train,
    problem.y_train,
    problem.X_test[:5000],
    problem.y_test[:5000],
)
booster = LGBMClassifier(
    n_estimators=100, n_jobs=1, verbose=-1, random_state=0
).fit(X, y)
print(X.dtypes.value_counts())

# %%
# The student
# -----------
# With ``student=None`` all families of small models would compete; here it is one net.
model = CompressedClassifier(
    booster,
    generator=MUNGE(p=0.2),
    student=StudentClassifier((64,), max_epochs=10),
    size_multiplier=5,
    random_state=0,
).fit(X, y)
report = model.report(X_test, y_test)
print(report.verdict)

# %%
# A row as JSON gives it
# ----------------------
# The saved student answers a dict; an occupation that nobody has seen counts as missing.
import tempfile
from pathlib import Path

from compress import load_predictor

path = Path(tempfile.mkdtemp()) / "income.safetensors"
model.save(path)
predict = load_predictor(path)
row = {
    name: value.item() if hasattr(value, "item") else value
    for name, value in X_test.iloc[0].items()
}
print(
    f"{path.stat().st_size:,} bytes;",
    dict(zip(predict.classes, predict(row).round(3))),
)
print("an astronaut:", predict({**row, "occupation": "astronaut"}).round(3))

# %%
# Where it strays from its teacher
# --------------------------------
report  # noqa: B018
