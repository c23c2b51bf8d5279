"""
A teacher that answers slowly
=============================

Some teachers take milliseconds for a row: stacks of models, services, models on another machine. Then answers are what
costs, and a time limit and a cache decide how many there are.
"""

# %%
# A slow model
# ------------
import tempfile
import time

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import train_test_split

from compress import MUNGE, CompressedClassifier, StudentClassifier

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X, X_test, y, y_test = train_test_split(X, y, random_state=0)


asked = []  # not within the teacher: one that changes is another teacher to a cache


class Service:
    """Answers one row in a millisecond; like many teachers, it knows nothing of scikit-learn."""

    def __init__(self, model):
        self.model, self.classes_ = model, model.classes_

    def predict_proba(self, X):
        """The probabilities of the classes."""
        time.sleep(0.001 * len(X))
        asked.append(len(X))
        return self.model.predict_proba(X)


service = Service(GradientBoostingClassifier(random_state=0).fit(X, y))

# %%
# Five seconds, no more
# ---------------------
# The limit shrinks trials, labelled rows and the student's passes; ``left_out_`` says what it cost.
import warnings

student = StudentClassifier((32,), max_epochs=20)
model = CompressedClassifier(service, student=student, time_limit=5, random_state=0)
start = time.perf_counter()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # they say the same as left_out_
    model.fit(X, y)
print(
    f"{time.perf_counter() - start:.1f} s, {sum(asked):,} rows asked; score {model.score(X_test, y_test):.3f}"
)
print(*model.left_out_, sep="\n")

# %%
# Answers are kept
# ----------------
# A folder remembers them, so that a ``fit`` that was interrupted goes on where it stopped, and one with another student
# asks nothing twice.
cached = CompressedClassifier(
    service,
    generator=MUNGE(),
    student=student,
    size_multiplier=5,
    cache=tempfile.mkdtemp(),
    random_state=0,
)
for size in (32, 16):
    asked.clear()
    cached.set_params(student__hidden_layer_sizes=(size,)).fit(X, y)
    print(
        f"{size} units: {sum(asked):,} rows asked; score {cached.score(X_test, y_test):.3f}"
    )
