"""Planted patterns, contradictions and noise: what of them the fast system finds, through the whole of Athena."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import mean

from athena.bootstrap import Athena
from tests.bench.bars import Figure
from tests.bench.consolidate import place
from tests.bench.consolidate.options import Options
from tests.bench.histories import GENERATORS
from tests.bench.histories.history import History
from tests.bench.histories.score import Found, Scores, score
from tests.bench.world.ground import Ground

PART = "quality"
_BARS = {"recall": 0.9, "precision": 0.9, "contradictions": 0.85, "noise_rejected": 0.95}
_NAMES = {
    "recall": "planted patterns found",
    "precision": "patterns found that were planted",
    "contradictions": "contradictions found",
    "contradiction_precision": "changes found that are contradictions",
    "noise_rejected": "noise left alone",
}
_CONCLUDED = """
SELECT p.metadata -> 'pattern' AS pattern, array_agg(m.uid::text) AS evidence
FROM memory p JOIN project j ON j.id = p.project_id
JOIN evidence e ON e.pattern_id = p.id JOIN memory m ON m.id = e.memory_id
WHERE p.derived AND p.superseded_by IS NULL AND j.name = $1
GROUP BY p.id ORDER BY p.id
"""


async def measure(ground: Ground, options: Options) -> list[Figure]:
    async with place.athena(ground, "quality", ground.minilm) as athena:
        by_name: dict[str, list[Scores]] = {}
        for history in histories(options):
            by_name.setdefault(history.name, []).append(await scored(athena, history))
    return [figure for name, scores in by_name.items() for figure in _figures(name, scores)]


def histories(options: Options) -> Iterable[History]:
    """Those in files, or those of our own generators."""
    for path in options.histories:
        yield History.loads(Path(path).read_text())
    if not options.histories:
        for name, make in GENERATORS.items():
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                history = make(seed, options.size)
                yield History(name, seed, history.events, history.truth)


async def scored(athena: Athena, history: History) -> Scores:
    project = f"{history.name}-{history.seed}"
    receipts = await place.remember(athena, project, history.events)
    await athena.consolidation.run(project, wait_s=900)
    # What is said twice in the same words is remembered once.
    events = defaultdict(list)
    for receipt, event in zip(receipts, history.events, strict=True):
        events[receipt.id].append(event.id)
    patterns, changes = [], []
    async with athena.database.acquire() as connection:
        for row in await connection.fetch(_CONCLUDED, project):
            pattern = json.loads(row["pattern"])
            if pattern["type"] == "change":
                changes.append((events[pattern["old"]][-1], events[pattern["new"]][0]))
            else:
                patterns.append({id for uid in row["evidence"] for id in events[uid]})
    return score(history, Found(patterns, changes))


def _figures(name: str, scores: list[Scores]) -> list[Figure]:
    """The mean over the seeds; each of them is shown."""
    for_all = []
    for field, words in _NAMES.items():
        values = [getattr(each, field) for each in scores]
        shown = " ".join(f"{value:.2f}" for value in values)
        for_all.append(Figure(PART, f"{words}, {name}", mean(values), "", _BARS.get(field), ours=shown))
    return for_all
