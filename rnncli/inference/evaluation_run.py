"""An evaluation from end to end: gold and answers are read, scored and compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from rnncli.data.formats.gold_sentences import Columns
from rnncli.errors import UsageError
from rnncli.inference.tag_evaluation import evaluate_answers, score_names
from rnncli.inference.tag_systems import TaggingSystem, read_answers, read_gold
from rnncli.model_bytes import PendingModel

if TYPE_CHECKING:
    from rnncli.inference.tag_comparison import Flip


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """What to score, on what.

    Attributes:
        files: gold files.
        model: path of a model, or None where predictions are given.
        pending: the same model, if a thread reads it already.
        predictions: path of a file of predictions, or None where a model is given.
        task: `ner` or `pos`; None for the first of a model's.
        columns: where tokens and tags stand in the gold.
        other: what to compare with, another one of the same kind, or None.
        keys: names of scores that must be among the answer's.
        threads: to compute with.
        device: `cpu`, or a GPU's name.
    """

    files: Sequence[str]
    model: str | None = None
    pending: PendingModel | None = None
    predictions: str | None = None
    task: str | None = None
    columns: Columns = field(default_factory=Columns)
    other: str | None = None
    keys: Sequence[str] = ()
    threads: int = 1
    device: str = "cpu"


def run_evaluation(job: EvaluationJob) -> tuple[dict[str, Any], "list[Flip]"]:
    """Score a model or a file of predictions.

    Args:
        job: what to score; it names either a model, or predictions and a task.

    Returns:
        What `evaluate_answers` returns, with `comparison` where there is something to compare with: what `compare`
        returns and the `scores` of the other. And the records that flipped.

    Raises:
        DataError: a file cannot be read, holds no labels, or does not fit the gold.
        ModelError: a model cannot be used.
        UsageError: no score has such a name, a file cannot be opened.
    """
    if job.model is None:
        if job.predictions is None or job.task is None:
            raise ValueError("a job names a model, or predictions and a task")
        _require_names(job.keys, job.task)
        gold = read_gold(job.files, job.columns, job.task)
        paths = [path for path in (job.predictions, job.other) if path is not None]
        answers = [read_answers(path, gold, job.columns) for path in paths]
    else:
        first = TaggingSystem(job.model, job.task, pending=job.pending, threads=job.threads, device=job.device)
        task = first.head.task
        _require_names(job.keys, task)
        systems = [first]
        if job.other is not None:
            systems.append(TaggingSystem(job.other, task, threads=job.threads, device=job.device))
        # Where no column is named, the one that was learned from is meant.
        gold = read_gold(job.files, replace(job.columns, usual=first.head.column), task)
        answers = [system.answer(gold) for system in systems]
    scores = evaluate_answers(gold, answers[0])
    if len(answers) == 1:
        return scores, []
    from rnncli.inference.tag_comparison import compare  # what most evaluations need not wait for

    other_scores = evaluate_answers(gold, answers[1])
    comparison, flips = compare(gold, *answers)
    scores["warnings"] = [*dict.fromkeys((*scores["warnings"], *other_scores["warnings"]))]
    return {**scores, "comparison": {**comparison, "scores": other_scores}}, flips


def _require_names(keys: Sequence[str], task: str) -> None:
    """Raise a UsageError unless all keys are names of scores."""
    names = score_names(task)
    for key in keys:
        if key not in names:
            (nearest,) = get_close_matches(key, names, n=1, cutoff=0.0)
            raise UsageError(f"--fail-under {key}: no such score of {task}", hint=f"nearest: {nearest}")
