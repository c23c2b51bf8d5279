"""
Choose under a byte budget
==========================

Say what a student may weigh, and small models of all families compete for it on held-out rows: nets, nets with cuts, an
additive model, and boosted trees.
"""

# %%
# The teacher
# -----------
from sklearn.ensemble import HistGradientBoostingClassifier

from compress import MUNGE, Budget, CompressedClassifier
from data.load import load_problem

problem = load_problem("covtype", seed=0)
X, y = problem.X_train[:2000], problem.y_train[:2000]
X_test, y_test = problem.X_test[:5000], problem.y_test[:5000]
booster = HistGradientBoostingClassifier(
    categorical_features="from_dtype", random_state=0
)

# %%
# Five kilobytes
# --------------
# The teacher is not fitted yet: it will not see the rows on which the candidates are compared.
model = CompressedClassifier(
    booster,
    generator=MUNGE(),
    budget=Budget(bytes=5000),
    size_multiplier=5,
    random_state=0,
).fit(X, y)
print(model.candidates_)

# %%
# The smallest within one standard error of the best is taken. Its error stands for what the student would have on new
# rows, since the held-out rows were in no training.
figure = model.candidates_.plot()

# %%
print(model.report(X_test, y_test).verdict)
