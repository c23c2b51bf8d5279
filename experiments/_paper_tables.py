"""Tables 2, 3 and 4 of Bucila, Caruana and Niculescu-Mizil (KDD 2006), for the problems that we can redo too.

MUNGE is the student S1 (256 hidden units, 400,000 rows), ANN the best net on the 4,000 rows (S2). Besides, what a
peer of today reaches.
"""

__all__ = ["AUTOGLUON", "EIGHT", "MEGABYTES", "RMSE", "SECONDS"]

EIGHT = "average of the paper's eight problems"

RMSE = {  # test RMSE: munge, ensemble, ann, best single model; ratio, as printed
    "adult": (0.325, 0.317, 0.328, 0.319, 0.29),
    "covtype": (0.340, 0.334, 0.378, 0.349, 0.84),
    "letter.p1": (0.075, 0.075, 0.092, 0.092, 1.01),
    "letter.p2": (0.179, 0.178, 0.228, 0.203, 0.98),
    EIGHT: (0.264, 0.263, 0.282, 0.274, 0.97),
}
SECONDS = {  # per 10,000 cases: munge, ensemble
    "adult": (7.88, 8560.61),
    "covtype": (4.46, 3440.99),
    "letter.p1": (2.59, 1630.21),
    "letter.p2": (2.59, 2651.95),
    EIGHT: (5.62, 5396.27),
}
MEGABYTES = {  # munge, ensemble
    "adult": (0.45, 1234.72),
    "covtype": (0.23, 1108.16),
    "letter.p1": (0.08, 1.23),
    "letter.p2": (0.08, 325.80),
    EIGHT: (0.33, 550.29),
}
# AutoGluon 1.6.3, measured on 2026-11-24 with Python 3.11 and torch 2.13: one seed, its own split of 4,000 training,
# 1,000 validation and 14,000 test rows. Test RMSE: teacher, net on the labelled rows, best distilled net as shipped,
# and with its loss of categories in augmented rows repaired (None: no nominal columns)
AUTOGLUON = {
    "letter.p1": (0.0854, 0.0845, 0.0715, None),
    "letter.p2": (0.1896, 0.1877, 0.1760, None),
    "adult": (0.3101, 0.3317, 0.3824, 0.3172),
    "covtype": (0.3484, 0.3681, 0.4155, 0.3494),
}
