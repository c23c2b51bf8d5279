"""
Hinton's temperatures
=====================

A teacher of digits does not only say "a 3": it says how much it looks like an 8. The temperature decides how much of
that a student sees.
"""

# %%
# A teacher, and one of its answers
# ---------------------------------
import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from compress import StudentClassifier
from compress.distill import DistilledClassifier
from compress.training import Schedule

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(
    X, y, train_size=600, random_state=0, stratify=y
)
teacher = StudentClassifier((256, 256), max_epochs=40, random_state=0).fit(X, y)

logits = np.log(np.clip(teacher.predict_proba(X_test), 1e-12, None))
unsure = np.argsort(np.sort(logits, axis=1)[:, -2])[-40]
figure, axes = plt.subplots(1, 4, figsize=(10, 2.4), layout="constrained")
axes[0].imshow(X_test[unsure].reshape(8, 8), cmap="gray_r")
axes[0].set(xticks=[], yticks=[], title=f"a {y_test[unsure]}")
for axis, temperature in zip(axes[1:], (1, 4, 20)):
    soft = np.exp(logits[unsure] / temperature)
    axis.bar(range(10), soft / soft.sum(), color="0.3")
    axis.set(xticks=range(10), ylim=(0, 1), title=f"T = {temperature}")
plt.show()

# %%
# Students of it
# --------------
# Small ones, at several temperatures, one that is annealed from 20 to 1, and one without a teacher.
scores = {}
small = StudentClassifier((12,), max_epochs=40, random_state=0)
scores["hard labels"] = small.fit(X, y).score(X_test, y_test)
for temperature in (1.0, 2.0, 4.0, 8.0, 20.0, Schedule(20.0, 1.0)):
    name = f"T = {temperature:g}" if isinstance(temperature, float) else "20 to 1"
    student = DistilledClassifier(
        teacher, small, temperature=temperature, random_state=0
    ).fit(X, y)
    scores[name] = student.score(X_test, y_test)

figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
axis.plot(list(scores.values()), "o-", color="0.2")
axis.axhline(teacher.score(X_test, y_test), color="0.2", linestyle="--")
axis.set(
    ylabel="accuracy on test rows",
    title="students at several temperatures; dashed: the teacher",
)
axis.set_xticks(range(len(scores)), scores)
plt.show()

# %%
# One seed of one small table shows how it is done, and no more; five seeds, and what they say about Hinton's claims,
# are in :doc:`/experiments/results/hinton/README`.
