"""
Augment with MUNGE alone
========================

MUNGE makes rows without labels, for whatever needs more of them: load tests, demonstrations, semi-supervised learning.
Here a picture of what it keeps, and how many rows are copies.
"""

# %%
# Rows
# ----
import numpy as np
from matplotlib import pyplot as plt

from compress.generators import MUNGE, MarginalSampler
from data.load import load_problem

X = load_problem("adult", seed=0).X_train.dropna()
rows = {
    "original rows": X,
    "MUNGE": MUNGE(random_state=0).fit(X).sample(20_000),
    "RANDOM": MarginalSampler(random_state=0).fit(X).sample(20_000),
}
print(rows["MUNGE"].dtypes.equals(X.dtypes))

# %%
# Dependence between columns
# --------------------------
# Nobody of 20 is a widow or widower. MUNGE keeps that; drawing every column on its own does not.
figure, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
for axis, (name, table) in zip(axes, rows.items()):
    ages = [
        table["age"][table["marital-status"].astype(str) == status]
        for status in ("Never-married", "Widowed")
    ]
    axis.hist(
        ages,
        bins=range(15, 95, 5),
        density=True,
        label=("never married", "widowed"),
        color=("0.75", "0.2"),
    )
    axis.set(title=name, xlabel="age")
axes[0].legend(frameon=False)
plt.show()

# %%
# Copies
# ------
# With the default ``p=0.1`` many rows come out as they went in, above all where columns are nominal and neighbours
# agree in most of them. That does a student no harm; who wants new rows takes a larger ``p``.
known = set(X.astype(object).itertuples(index=False, name=None))
for p in (0.1, 0.3, 0.5):
    made = MUNGE(p=p, random_state=0).fit(X).sample(10_000).astype(object)
    copies = np.mean(
        [row in known for row in made.itertuples(index=False, name=None)]
    )
    print(f"p={p}: {copies:.1%} of the rows are copies")
