"""Recommenders: ranking distillation for recall and pre-ranking, and what only recommenders need."""

from compress.recommend._distiller import RankingDistiller
from compress.recommend._ease import EASE
from compress.recommend._measures import gauc, ndcg_at_k, overlap_at_k, ranking_metrics, recall_at_k, top_k
from compress.recommend._scorers import FactorScorer, TableScorer, score_matrix

__all__ = [
    "EASE",
    "FactorScorer",
    "RankingDistiller",
    "TableScorer",
    "gauc",
    "ndcg_at_k",
    "overlap_at_k",
    "ranking_metrics",
    "recall_at_k",
    "score_matrix",
    "top_k",
]
