"""NaiveBayesEstimation: rows drawn from a mixture of naive Bayes models, the paper's NBE.

"Model Compression" (Bucila, Caruana and Niculescu-Mizil, KDD 2006), section 2.2, takes as its second
generator the density estimate of Lowd and Domingos, "Naive Bayes Models for Probability Estimation",
ICML 2005: a mixture in which the attributes are independent within each component, fitted by EM, with
as many components as held-out rows ask for. The mixture is in `_naive_bayes_mixture.py`.
"""

from __future__ import annotations

import logging
import numbers
import warnings

import numpy as np
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from compress.generators._base import BaseGenerator
from compress.generators._naive_bayes_mixture import (
    Mixture,
    Prior,
    Rows,
    expectation_maximization,
    maximize,
    responsibilities,
)
from compress.generators._neighbors import embed, scale_table
from compress.schema import Encoded

__all__ = ["NaiveBayesEstimation"]

logger = logging.getLogger(__name__)

HELD_OUT = 0.1  # share of rows that choose the number of components
FEWEST_TO_HOLD_OUT = 10  # with fewer rows "auto" is one component
LEAST_GAIN = 0.01  # nats per held-out row: the paper's ratio has no meaning for densities, which cross 1
LAST_CYCLES = 2  # of EM on all rows, from the best mixture on: as in the paper
START_ITER = 20  # of k-means; it only starts EM
WHOLE = 1 / 6  # least standard deviation of whole numbers: three of them round back to the same number
FINEST = 1e-12  # least variance of a column scaled to [0, 1]: below it densities lose float64's digits


class NaiveBayesEstimation(BaseGenerator):
    """Draw rows from a mixture of naive Bayes models (NBE of the paper).

    Each component has a normal distribution for every continuous attribute and a probability for every
    category of a nominal one, all independent. A row is made by drawing a component, then its attributes.

    Parameters
    ----------
    n_components : int or "auto", default="auto"
        The number of components that EM starts with, at most `n_rows`. "auto" tries 1, 2, 4, ... and takes the number
        with the highest likelihood on a tenth of the rows held out; fewer than 10 rows get one component.
    max_components : int, default=512
        The largest number of components that "auto" tries.
    max_iter : int, default=200
        The largest number of cycles of EM for each number of components.
    tol : float, default=1e-3
        EM has converged when a cycle gains less than this in log-likelihood per row, in nats.
    reg_covar : float > 0, default=1e-6
        What is added to the variances of columns scaled to [0, 1], as in scikit-learn's GaussianMixture; without it a
        value that occurs often would have infinite density. Columns of whole numbers get 1/36 of a squared unit
        instead, which rounding takes away again.
    schema : None, mapping or Schema, default=None
        The kinds of the columns: `{"zip": "nominal"}` overrides what is inferred from the dtypes.
    n_jobs : int, default=None
        The number of parallel joblib workers that make the blocks; they are threads unless `joblib.parallel_config`
        says otherwise. The rows do not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        The source of all random draws; an int gives the same rows each time.

    Attributes
    ----------
    n_components_ : int
        The number of components of the mixture. It is not larger than the number of different rows, and does not count
        the components that EM emptied to less than half a row.
    weights_ : float array of shape (n_components,)
        The probabilities of the components, which sum to 1.
    means_, variances_ : float arrays of shape (n_components, n_continuous)
        The means and variances of the continuous columns in each component, on the scale of the table.
    held_out_ : list of dict
        One row for each number of components tried, with `n_components` (before EM prunes), `kept` (after) and
        `log_likelihood` (mean per held-out row); empty unless `n_components="auto"`.
    n_iter_ : int
        The number of cycles of EM.
    converged_ : bool
        Whether EM gained less than `tol` in its last cycle.
    schema_ : Schema
        The kinds, ranges, categories and dtypes of the columns.
    n_rows_ : int
        The number of rows seen in `fit`.
    n_features_in_, feature_names_in_ : int, array of str
        The number of columns seen in `fit`, and their names if all of them are strings.

    Raises
    ------
    ValueError
        In `fit`, when a parameter is out of its range, there are more components than rows, or a column spans more than
        a float can hold.
    TypeError
        In `fit`, when a parameter has the wrong type.

    Warns
    -----
    ConvergenceWarning
        EM stopped after `max_iter` cycles without converging; the mixture that it reached is used.

    See Also
    --------
    MUNGE : Follows the data where a mixture smooths it over.
    sklearn.mixture.GaussianMixture : Continuous columns without missing values only.

    Notes
    -----
    - Missing values: a missing cell is integrated out in EM. Whether it is missing is a discrete attribute
      of its own, drawn first, so that each column keeps its share of missing values, per component.
    - Discrete probabilities are smoothed by one row of the table's own shares. Categories that are nowhere
      in the table are never drawn.
    - As in Lowd and Domingos the number of components doubles while held-out rows gain, EM prunes every 5
      cycles, and ends with two cycles on all rows. There are two differences: each number starts from k-means
      rather than from random rows and the components found before, and EM stops on the likelihood of the
      rows it learns from.
    - Values are not clipped: normal tails leave the training range.

    References
    ----------
    D. Lowd, P. Domingos (2005). Naive Bayes Models for Probability Estimation. ICML, section 3.
    C. Bucila, R. Caruana, A. Niculescu-Mizil (2006). Model Compression. KDD, section 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from compress.generators import NaiveBayesEstimation
    >>> X = np.random.default_rng(0).normal(size=(200, 2)) * 0.1 + np.repeat([[0, 0], [5, 5]], 100, axis=0)
    >>> generator = NaiveBayesEstimation(random_state=0).fit(X)
    >>> generator.n_components_
    2
    >>> generator.sample(1000).shape
    (1000, 2)
    """

    def __init__(
        self,
        n_components="auto",
        *,
        max_components=512,
        max_iter=200,
        tol=1e-3,
        reg_covar=1e-6,
        schema=None,
        n_jobs=None,
        random_state=None,
    ):
        self.n_components = n_components
        self.max_components = max_components
        self.max_iter = max_iter
        self.tol = tol
        self.reg_covar = reg_covar
        self.schema = schema
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ------------------------------------------------------------------ fit
    def _fit_encoded(self, encoded: Encoded, rng: np.random.Generator) -> None:
        self._check_parameters(encoded.n_rows)
        scaled = scale_table(encoded, self.schema_)
        rows = self._rows(scaled.z, encoded.nominal)
        points = embed(scaled)[0]
        floor = np.where(self.schema_.integer_, np.maximum((WHOLE * scaled.factor) ** 2, FINEST), self.reg_covar)
        prior = Prior.of(rows, floor)
        most = len(np.unique(points, axis=0))  # components beyond the number of different rows stay empty
        self.held_out_ = []
        # k-means adds up in the order in which threads end: one thread, so that a seed gives one result;
        # the products of EM are too narrow to gain from more
        with threadpool_limits(1):
            if self.n_components != "auto":
                mixture = self._em(rows, points, prior, min(self.n_components, most), rng)
            else:
                mixture = self._choose(rows, points, prior, most, rng)
        self._mixture = mixture
        self._outcomes = np.exp(mixture.log_outcomes)
        self.n_components_ = mixture.n_components
        self.weights_ = mixture.weights
        span = self.schema_.high_ - self.schema_.low_
        self.means_ = self.schema_.low_ + mixture.means * span
        self.variances_ = mixture.variances * span**2
        if not self.converged_:
            warnings.warn(
                f"EM did not converge in max_iter={self.max_iter} iterations ({mixture.n_components} components, "
                f"last gain {self._change:.2g} nats per row, tol={self.tol:g}). The mixture it reached is used; "
                "raise max_iter or tol.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _choose(self, rows, points, prior, most, rng) -> Mixture:
        """Double the number of components while held-out rows gain."""
        if rows.n < FEWEST_TO_HOLD_OUT:
            return self._em(rows, points, prior, 1, rng)
        order = rng.permutation(rows.n)
        n_out = max(1, round(HELD_OUT * rows.n))
        held_out, kept = rows.take(order[:n_out]), order[n_out:]
        learned, learned_points = rows.take(kept), points[kept]
        most = min(self.max_components, most, len(kept))
        best, highest, k = None, -np.inf, 1
        while k <= most:
            mixture = self._em(learned, learned_points, prior, k, rng)
            likelihood = responsibilities(held_out, mixture)[1]
            self.held_out_.append({"n_components": k, "kept": mixture.n_components, "log_likelihood": likelihood})
            logger.info("%d components (%d kept): held-out %.4f", k, mixture.n_components, likelihood)
            if best is not None and likelihood < highest + LEAST_GAIN:
                break
            best, highest = (mixture, self.n_iter_, self.converged_, self._change), likelihood
            k *= 2
        mixture, self.n_iter_, self.converged_, self._change = best
        return expectation_maximization(rows, mixture, prior, max_iter=LAST_CYCLES, tol=0.0)[0]

    def _em(self, rows: Rows, points: np.ndarray, prior: Prior, n_components: int, rng) -> Mixture:
        """Run EM from k-means on; set its number of cycles and whether it converged."""
        group = np.zeros(rows.n, dtype=np.intp)
        if n_components > 1:
            seed = int(rng.integers(2**31 - 1))
            # held-out rows may have taken different rows away: fewer clusters than asked for are fine here
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                group = KMeans(n_components, n_init=1, max_iter=START_ITER, random_state=seed).fit_predict(points)
            group = np.unique(group, return_inverse=True)[1]
        shares = np.eye(group.max() + 1)[group]
        mixture, self.n_iter_, self._change = expectation_maximization(
            rows, maximize(rows, shares, prior), prior, max_iter=self.max_iter, tol=self.tol
        )
        self.converged_ = self._change < self.tol
        return mixture

    def _rows(self, z: np.ndarray, nominal: np.ndarray) -> Rows:
        """Return the blocks that EM computes on, and learn the outcomes of each discrete attribute."""
        absent = np.isnan(z)
        self._may_miss = np.flatnonzero(absent.any(axis=0))  # continuous columns with missing values
        discrete = np.hstack([absent[:, self._may_miss].astype(np.int32), nominal])
        # codes that occur, -1 (missing) one of them: others are never drawn
        self._codes = [np.unique(column) for column in discrete.T]
        sizes = np.array([len(codes) for codes in self._codes], dtype=np.int64)
        self._first = np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)
        n, n_attributes = discrete.shape
        columns = np.empty((n, n_attributes), dtype=np.int64)
        for a, codes in enumerate(self._codes):
            columns[:, a] = self._first[a] + np.searchsorted(codes, discrete[:, a])
        outcomes = sparse.csr_matrix(
            (np.ones(columns.size), columns.ravel(), np.arange(n + 1) * n_attributes), shape=(n, int(sizes.sum()))
        )
        return Rows.of(z, outcomes)

    # --------------------------------------------------------------- sample
    def _block(self, index: int, rng: np.random.Generator, shared) -> Encoded:
        n, schema, mixture = self.n_rows_, self.schema_, self._mixture
        component = _draw(mixture.weights[None], np.zeros(n, dtype=np.intp), rng.random(n))
        noise = rng.standard_normal((n, len(schema.continuous_)))
        values = self.means_[component] + np.sqrt(self.variances_)[component] * noise
        values = np.where(schema.integer_, np.rint(values), values)
        codes = np.empty((n, len(self._codes)), dtype=np.int32)
        for a, known in enumerate(self._codes):
            shares = self._outcomes[:, self._first[a] : self._first[a] + len(known)]
            codes[:, a] = known[_draw(shares, component, rng.random(n))]
        n_flags = len(self._may_miss)
        for a, column in enumerate(self._may_miss):
            values[codes[:, a] == 1, column] = np.nan
        return Encoded(values.astype(schema.dtype_), codes[:, n_flags:])

    # ----------------------------------------------------------- parameters
    def _check_parameters(self, n_rows: int) -> None:
        auto = isinstance(self.n_components, str) and self.n_components == "auto"
        if not auto:
            _check_integer("n_components", self.n_components, "or 'auto'")
            if self.n_components > n_rows:
                raise ValueError(
                    f"n_components must be at most the number of rows of X, {n_rows}, got {self.n_components}: "
                    "lower it, or use 'auto'."
                )
        _check_integer("max_components", self.max_components, "of at least 1")
        _check_integer("max_iter", self.max_iter, "of at least 1")
        for name in ("tol", "reg_covar"):
            value = getattr(self, name)
            if not isinstance(value, numbers.Real) or isinstance(value, bool):
                raise TypeError(f"{name} must be a number, got {value!r}.")
            if not 0 < value < np.inf:
                raise ValueError(f"{name} must be above 0 and finite, got {value!r}.")
        with np.errstate(over="ignore"):
            wide = ~np.isfinite((self.schema_.high_ - self.schema_.low_) ** 2)
        if wide.any():
            column = self.schema_.names[self.schema_.continuous_[np.argmax(wide)]]
            raise ValueError(f"column {column!r} spans more than a float can hold squared: rescale it.")


def _draw(shares: np.ndarray, which: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Draw an outcome 0, 1, ... for each row with the probabilities `shares[which]`, by the uniform `u`."""
    n_outcomes = shares.shape[1]
    cumulated = np.cumsum(shares, axis=1)[:, :-1]  # the last is 1 but for rounding, and needs no comparison
    # all distributions on one line, [k, k + 1] that of k, so that one search is enough for all rows
    line = (np.arange(len(shares))[:, None] + np.minimum(cumulated, 1.0)).ravel()
    return np.searchsorted(line, which + u, side="right") - which * (n_outcomes - 1)


def _check_integer(name: str, value, advice: str) -> None:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer {advice}, got {value!r} of type {type(value).__name__}.")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}.")
