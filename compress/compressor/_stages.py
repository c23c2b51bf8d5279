"""The stages of a compressor between teacher and student: each is timed, said, and returns what it made."""

from __future__ import annotations

import time
from contextlib import contextmanager

from sklearn.base import clone

from compress._random import draw_seed, seed_unset
from compress.compressor._parts import handed_down, judged_by, true_targets
from compress.compressor._task import Rows, Task
from compress.evaluation import duration, say
from compress.generators import MUNGE
from compress.schema import as_schema
from compress.search import compare_sources, tune_munge
from compress.teachers import answered_classes, selects_on_held_out, teacher_kind
from compress.transfer import CrossFit, SingleTeacher, TransferSet

__all__ = ["MOST_ORIGINALS", "Stages"]

MOST_ORIGINALS = 10_000  # original rows from which trials start, so that they do not grow with the table for ever


class Stages:
    """The stages of one `fit`.

    Parameters
    ----------
    settings : CompressedClassifier or CompressedRegressor
        The compressor, whose parameters are read.
    task : Task
        What it works on.
    rng : RandomState
        The source of all seeds.

    Attributes
    ----------
    seconds : dict
        The seconds spent in each stage.
    """

    def __init__(self, settings, task: Task, rng):
        self.settings, self.task, self.rng = settings, task, rng
        self.seconds = {}

    @contextmanager
    def timed(self, name: str):
        """Time a stage and say what it found: a list of facts, to which the block appends."""
        started, facts = time.perf_counter(), []
        yield facts
        seconds = time.perf_counter() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        say(f"{name}: {', '.join([*facts, duration(seconds)])}", self.settings.verbose)

    def trial_rows(self, train: Rows) -> Rows:
        """Return the rows from which trials start: all of a small table, some of a large one."""
        if len(train.X) <= MOST_ORIGINALS:
            return train
        return train.take(self.rng.permutation(len(train.X))[:MOST_ORIGINALS])

    def tuned_munge(self, teacher, train: Rows, held: Rows, n_rows: int):
        """Return MUNGE with p and s chosen on the held-out rows, not fitted, and the search."""
        munge = MUNGE(schema=self.settings.schema, n_jobs=self.settings.n_jobs)
        with self.timed("p and s") as facts:
            search = tune_munge(
                train.X,
                teacher,
                held.X,
                judged_by(teacher, held, self.task.name),
                n_rows=n_rows,
                munge=munge,
                labels=self.settings.labels,
                n_jobs=self.settings.n_jobs,
                verbose=self.settings.verbose,
                random_state=self.rng,
            )
            facts.append(f"p={search.p:g}, s={search.s:g}")
        return munge.set_params(p=search.p, s=search.s), search

    def given_generator(self):
        """Return the generator that was given, not fitted, or MUNGE with its defaults."""
        given, settings = self.settings.generator, {"schema": self.settings.schema, "n_jobs": self.settings.n_jobs}
        return MUNGE(**settings) if given is None else handed_down(clone(given), **settings)

    def better_source(self, single: SingleTeacher, crossed: CrossFit, train: Rows, held: Rows, generator, n_rows: int):
        """Return which of two sources of labels teaches better, by name, and the errors of both."""
        with self.timed("labels from") as facts:
            errors = compare_sources(
                {"teacher": single, "cross_fit": crossed},
                train.X,
                held.X,
                held.y,
                generator=generator,
                n_rows=n_rows,
                labels=self.settings.labels,
                n_jobs=self.settings.n_jobs,
                random_state=draw_seed(self.rng),
            )
            best = min(errors, key=errors.get)
            facts.append(best)
        return best, errors

    def cross_fit(self, teacher, fitted, rows: Rows) -> CrossFit:
        """Return clones of the teacher, each fitted on four folds of the rows."""
        source = fitted if selects_on_held_out(fitted) else teacher
        classes = answered_classes(fitted, rows.X)
        with self.timed("cross-fitting"):
            made = CrossFit(source, random_state=self.rng)
            return made.fit(rows.X, rows.y, classes=classes, sample_weight=rows.weight)

    def original_targets(self, teacher, fitted, rows: Rows, labels_from: str):
        """Return targets of the original rows; None where they are labelled like the others."""
        wanted = self.settings.original_labels
        if wanted == "out_of_fold" and labels_from != "cross_fit":
            kind = teacher_kind(self.task.name, self.settings.labels)
            return self.cross_fit(teacher, fitted, rows).outputs(rows.X, kind)
        return true_targets(fitted, rows, self.task, self.settings.labels) if wanted == "true" else None

    def fitted_generator(self, generator, rows: Rows, n_rows: int):
        """Return the generator, seeded and fitted on all real rows; None when no row is to be generated."""
        real = self.task.with_unlabeled(rows.X)
        generator = clone(generator)
        seed_unset(generator, self.rng)
        with self.timed("generator"):
            return generator.fit(real) if n_rows > len(real) else None

    def transfer_set(self, source, generator, rows: Rows, n_rows: int, original) -> TransferSet:
        """Return at least `n_rows` labelled rows, the real ones first."""
        real, settings = self.task.with_unlabeled(rows.X), self.settings
        schema = getattr(generator, "schema_", None)
        data = source.transfer_set(
            rows.X,
            X_unlabeled=self.task.unlabeled,
            generator=generator,
            n_rows=max(n_rows, len(real)),
            labels=settings.labels,
            classes=self.task.classes,
            schema=as_schema(settings.schema, real) if schema is None else schema,
            original_targets=original,
            n_jobs=settings.n_jobs,
            verbose=settings.verbose,
            random_state=self.rng,
        )
        for stage, seconds in data.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        made, labelled = (duration(data.seconds[stage]) for stage in ("generate", "label"))
        say(f"rows: {len(data):,}, made in {made}, labelled in {labelled}", settings.verbose)
        return data
