"""
Read an additive student's curves
=================================

A net with cuts and without a hidden layer is a sum of one function per column, and so can be read: what does age add,
and where? It is taught by the forest like any other student, and a few kilobytes in size.
"""

# %%
# The teacher
# -----------
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import train_test_split

from compress import CompressedRegressor, StudentRegressor
from compress.generators import MUNGE
from compress.students import PiecewiseLinearEncoding

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X, X_test, y, y_test = train_test_split(X, y, random_state=0)
forest = RandomForestRegressor(300, min_samples_leaf=5, random_state=0).fit(X, y)

# %%
# The student
# -----------
additive = StudentRegressor(
    (), encoding=PiecewiseLinearEncoding(), learning_rate=0.03, max_epochs=60
)
model = CompressedRegressor(
    forest,
    generator=MUNGE(),
    student=additive,
    schema={"sex": "nominal"},
    size_multiplier=30,
    random_state=0,
).fit(X, y)
print(
    f"R2 on test rows: forest {forest.score(X_test, y_test):.3f}, additive {model.score(X_test, y_test):.3f}"
)

# %%
# Its curves
# ----------
# The columns are sorted by how much they move the prediction.
curves = model.student_.plot_contributions(X)

# %%
# One row, column by column
# -------------------------
# The contributions and the intercept add up to the prediction.
import pandas as pd

parts = model.student_.contributions(X_test[:1])
print(
    pd.Series(parts[0].ravel(), index=X.columns)
    .sort_values(key=abs, ascending=False)
    .round(1)
)
print(
    f"intercept {model.student_.intercept_.item():.1f}, prediction {model.predict(X_test[:1])[0]:.1f}"
)
