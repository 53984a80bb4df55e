"""An aligned stretch -> its score: what it shares with the reference beyond chance, in one number."""

import numpy as np

from matching.verify import Stretch

EXACT = 0.98  # similarity above which codes are the same for all that matters
SETTLED = 4.0  # seconds: shorter stretches count less


def score(aligned: Stretch, chance: tuple[float, float], exactness: float) -> float:
    """One number for a stretch: what it shares throughout and in its changes beyond what ``chance`` gives of each.

    Likeness counts the more the nearer the codes are to the same (Fisher's transformation): a still picture cannot move
    along with its copy, but a stranger from the same set is never the same bit for bit. Short stretches count
    less. With s the evidence of a stretch and r its similarity, the score is

        s ** (1 - exactness / 2) * arctanh(r) ** exactness

    Another episode from the same set shares much evidence, but no second of it exactly: ``exactness`` weighs that.
    """
    exact = min(aligned.similarity, EXACT)
    if exact <= 0:
        return 0.0
    nearness = np.arctanh(exact)
    look = max(aligned.likeness - chance[0], 0.0) * nearness / exact
    length = min(1.0, (aligned.query_end - aligned.query_start) / SETTLED)
    evidence = np.hypot(look, max(aligned.motion - chance[1], 0.0)) * np.sqrt(length)
    return float(evidence ** (1 - exactness / 2) * nearness**exactness)
