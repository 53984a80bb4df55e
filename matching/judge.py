"""What chance gives of a stretch, in one number: by its codes, what confirms or denies it, and what must stay in doubt."""

from collections.abc import Sequence
from dataclasses import dataclass

from matching.confirm import Witness
from matching.doubt import DOUBTFUL, doubted
from matching.found import Expected, Found
from matching.join import SAME_LINE, Placed, line_of
from matching.score import MATCH, Calibration, Factors
from matching.search import CERTAIN
from matching.verify import apart

NEARLY = 0.9  # similarity from which pictures are the same but for what a codec leaves
# Seconds of sound of which a person should say where in its work it is from: of 48 clean captures of 1.0 and 1.2 s 12 were
# told at another place that is like it, of 48 of 1.4 and 1.6 s 5, of 24 of 2 s none.
BRIEF = 1.3


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the stretches that a search finds in a capture.

    model            what scores mean
    seconds          of the capture
    codes            that were searched in
    witness          what the capture shows beside its codes; None where these are all that is at hand
    sibling_seconds  those that titles of a registered series count for, where they are fewer
    """

    model: Calibration
    seconds: float
    codes: int
    witness: Witness | None = None
    sibling_seconds: float | None = None

    def by_codes(self, found: Found) -> float:
        """Expected false matches by the codes alone."""
        return self._doubted(self._chance(found), found)

    def unless_denied(self, found: Found) -> float:
        """The same, but more where what is shown beside the codes denies what these are certain of.

        Codes of sound bear with a semitone: they are certain of a voice that much higher, and its peaks are not where they
        were. Then its pitch is still to be sought. Nothing is made more certain, for a tune in another key keeps its peaks.
        """
        chance = self.by_codes(found)
        return max(chance, self.confirmed(found)) if chance <= CERTAIN else chance

    def confirmed(self, found: Found) -> float:
        """Expected false matches with what is shown beside the codes, where that says anything."""
        chance = self._chance(found)
        factors = self.witness.factors(found, chance) if self.witness else None
        if factors is None:
            return self._doubted(chance, found)
        return self._doubted(self._chance(found, factors), found, factors[0])

    def _doubted(self, chance: float, found: Found, factor: float | None = None) -> float:
        brief = self.model.heard and self.seconds < BRIEF
        return max(doubted(chance, found, self.model.anew, factor), DOUBTFUL if brief else 0.0)

    def _chance(self, found: Found, factors: Factors = (1.0, 1.0)) -> float:
        return self.model.expected_false_matches(
            found.score, found.stage, self.seconds, self.codes, self.sibling_seconds, factors
        )


def borne_out(expected: Expected, others: Sequence[Placed], start: float) -> Expected:
    """The same, but CERTAIN of what is nearly all the same and lies where another stream is certain of it, in the window
    that begins at ``start``: still pictures say little by themselves, and no disguise would say more of them.
    """
    sure = [other for other in others if other.expected <= CERTAIN]

    def told(found: Found) -> float:
        chance = expected(found)
        if not CERTAIN < chance <= MATCH or found.stretch.similarity < NEARLY:
            return chance
        lines = (line_of(other, found, start) for other in sure)
        there = any(line is not None and apart(line, found.stretch) < SAME_LINE for line in lines)
        return CERTAIN if there else chance

    return told
