"""The run's figures, from imagined answers: what is found, what is chance, what is family, what is claimed of them."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import accuracy, plots
from benchmarks.corpus import Title
from benchmarks.metrics import Span
from benchmarks.outcomes import Claim, Outcome, cousins, decoys, strangers
from benchmarks.peer_rows import figures_beside
from benchmarks.required import POOLED, required_figures
from benchmarks.rows import attack_rows, calibration_rows, pool_rows, pools, segments
from benchmarks.truth import COUSIN, DECOY, Truth, read_table, write_table

SONG = Title("audio/song.opus", "audio", "band/songs", 60.0)
OTHER = Title("audio/other.opus", "audio", "band/songs", 60.0)
READING = Title("audio/reading.opus", "audio", "reader/poems", 60.0)


def claim(title: Title, score: float, verdict: str = "match", begin: float = 20.0) -> Claim:
    return Claim(frozenset({title}), verdict, score, Span(0, 5, begin, begin + 5))


def copy(attack: str, *claims: Claim) -> Outcome:
    truth = Truth(f"{attack}.wav", "audio", attack, 5.0, SONG.file, 0, 5, 20, 25)
    return Outcome((truth,), claims, "", 1.0)


def none(group: str, *claims: Claim, series: str = "") -> Outcome:
    return Outcome((Truth(f"{group}.wav", "audio", group, 5.0, series=series),), claims, "", 1.0)


def row(rows: list[dict[str, object]], **wanted: object) -> dict[str, object]:
    (found,) = [r for r in rows if all(r[name] == value for name, value in wanted.items())]
    return found


def test_a_copy_counts_at_the_operating_point_and_above_every_stranger() -> None:
    found = [
        copy("audio-phone", claim(SONG, 5.0)),
        copy("audio-phone", claim(SONG, 1.8, "review")),
        copy("audio-phone", claim(SONG, 3.0, begin=40.0)),
        none("stranger", claim(READING, 1.0, "no-match")),
    ]
    (figures,) = attack_rows(found)
    assert [figures[limit]["hits"] for limit in ("found", "at_no_false")] == [1, 2]
    assert figures["missed"] == ["audio-phone.wav"] * 2


def test_another_turn_of_a_loop_is_the_right_place() -> None:
    turned = copy("audio-phone", claim(SONG, 5.0, begin=40.0))
    assert turned.copy is None
    (truth,) = turned.truths
    looped = replace(turned, truths=(replace(truth, turns=(30.0, 40.0)),))
    assert looped.copy is not None and looped.copy.error(looped.truth) == 0.0


def test_judged_as_peers_are_a_stranger_may_resemble_its_own_series() -> None:
    found = [
        copy("audio-phone", claim(SONG, 3.0)),
        none("stranger", claim(OTHER, 5.0), claim(READING, 1.0, "no-match"), series="band/songs"),
        none("silence", claim(READING, 4.0)),
    ]
    (figures,) = attack_rows(found)
    assert [figures[limit]["hits"] for limit in ("at_no_false", "as_peers")] == [0, 1]


def test_the_best_peer_stands_beside_each_pool_and_rows_in_which_one_finds_more_are_counted(
    figures: dict[str, Any],
) -> None:
    found = {
        "audio-phone, 5 s": {"at_no_false": {"rate": 0.5}},
        "audio, all attacks, 5 s": {"at_no_false": {"rate": 0.6}},
    }
    better = {
        "kind": "audio",
        "missing": "",
        "recall": {name: {"at_no_false": {"rate": 1.1}} for name in found},
    }
    peers = {"landmarks": {"kind": "audio", "missing": "", "recall": found}}
    told = {figure.name: figure for figure in figures_beside(figures, peers)}
    pooled = told["audio, all attacks, 5 s, beside the best peer"]
    assert pooled.measured == "100.0% beside 60.0% (landmarks)" and pooled.reached
    assert told["audio, attacks and lengths at which a peer finds more"].measured == "0 of 2"
    told = {figure.name: figure for figure in figures_beside(figures, peers | {"better": better})}
    assert not told["audio, all attacks, 5 s, beside the best peer"].reached
    assert told["audio, attacks and lengths at which a peer finds more"].measured == "1 of 2"


def test_what_was_not_attacked_is_in_no_pool_and_the_hard_half_is_in_both() -> None:
    found = [copy(name, claim(SONG, 5.0)) for name in ("audio-none", "audio-phone", "audio-am-radio")]
    rows = pool_rows(found)
    assert row(rows, pool="audio, all attacks", length=5.0)["found"]["total"] == 2  # type: ignore[index]
    assert row(rows, pool="audio, hard half", length=5.0)["found"]["total"] == 1  # type: ignore[index]


def test_the_hard_half_is_what_was_named() -> None:
    hard = pools("audio")["audio, hard half"]
    assert len(hard) >= 19 and {"audio-gaps", "audio-babble-minus-5-dB", "audio-tempo-down-20"} <= set(hard)
    assert set(POOLED) == {*pools("audio"), *pools("video")}


def test_each_attack_that_shows_a_part_has_a_figure_of_its_own() -> None:
    told = {figure.name for figure in required_figures([copy("video-upright", claim(SONG, 5.0))])}
    assert {f"{name}, 5 s, no stranger above" for name in ("video-upright", "video-inset-50")} <= told
    assert "video-mirror, 5 s, no stranger above" not in told


def test_a_match_in_its_own_series_is_family_and_any_other_is_chance() -> None:
    outcome = none(COUSIN, claim(OTHER, 5.0), claim(READING, 4.0), series="band/songs")
    assert [c.files for c in outcome.family_claims] == [[OTHER.file]]
    assert [c.files for c in outcome.chance_claims] == [[READING.file]] and outcome.score == 5.0
    assert none("stranger").score == -math.inf


def test_strangers_cousins_and_decoys_are_told_apart() -> None:
    found = [
        none("stranger"),
        none("stranger", series="band/songs"),
        none(COUSIN, series="band/songs"),
        none(DECOY, series="band/songs"),
        copy("audio-phone"),
    ]
    assert [len(of(found, "audio")) for of in (strangers, cousins, decoys)] == [2, 2, 1]
    assert not strangers(found, "video")


def test_claims_are_reckoned_once_for_each_reference() -> None:
    twice = none("stranger", claim(SONG, 1.0, "no-match"), claim(SONG, 0.0, "no-match"), claim(READING, 0.0))
    rows = calibration_rows([twice, *[none("stranger")] * 9])
    assert row(rows, of="strangers", up_to=0.1)["observed"] == 1
    one = row(rows, of="strangers", up_to=1.0)
    assert (one["claimed"], one["observed"], one["ratio"]) == (10.0, 2, 0.2)
    assert row(rows, of="strangers", up_to=0.3)["ratio"] is None


def test_a_query_that_was_not_examined_claims_nothing() -> None:
    failed = Outcome((Truth("a.wav", "audio", "stranger", 5.0),), (), "it is damaged", 0.0)
    rows = calibration_rows([failed, none("stranger")])
    assert row(rows, of="strangers", up_to=1.0)["queries"] == 1


def test_stretches_are_scored_where_the_verdict_is_a_match() -> None:
    assert segments(copy("audio-phone", claim(SONG, 5.0), claim(READING, 1.0, "no-match"))).precision == 1
    assert segments(copy("audio-phone", claim(SONG, 1.8, "review"))).recall == 0


def test_what_is_matched_and_must_not_be_is_a_missed_figure() -> None:
    family = [none(COUSIN, claim(OTHER, 5.0), series="band/songs"), *[none(COUSIN, series="band/songs")] * 49]
    found = [
        *family,
        none(DECOY, claim(SONG, 5.0), series="band/songs"),
        none("stranger", claim(READING, 5.0)),
    ]
    figures = {figure.name: figure for figure in required_figures(found)}
    assert figures["audio cousins matched"].measured == "1 of 50" and figures["audio cousins matched"].reached
    for name in ("audio decoys matched", "audio strangers matched"):
        assert figures[name].measured == "1 of 1" and not figures[name].reached
    assert figures["audio decoys matched to another source"].reached


@pytest.fixture
def figures() -> dict[str, object]:
    found = [copy(name, claim(SONG, 5.0)) for name in ("audio-phone", "audio-am-radio")]
    found += [none("stranger", claim(READING, 0.5, "no-match"))] * 20
    recall = {"audio-phone, 5 s": {"at_no_false": {"rate": 0.5}, "at_1_percent": {"rate": 0.75}}}
    chromaprint = {"kind": "audio", "missing": "", "strangers": 20, "not_read": 0, "recall": recall}
    peers = {
        "chromaprint": chromaprint,
        "vpdq": {"kind": "video", "missing": "pdqhash not found: pip install it"},
    }
    return accuracy.report(found) | {"peers": peers}


def test_the_report_is_json_and_can_be_drawn(figures: dict[str, object], tmp_path: Path) -> None:
    json.dumps(figures, allow_nan=False)
    plots.accuracy(figures, tmp_path / "accuracy.png")
    plots.calibration(figures["calibration"], tmp_path / "calibration.png")  # type: ignore[arg-type]
    assert all((tmp_path / f"{name}.png").stat().st_size > 9000 for name in ("accuracy", "calibration"))


def test_a_peer_that_was_not_measured_is_named(
    figures: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    accuracy.print_recall(figures)
    told = capsys.readouterr().out
    assert "50.0%" in told and "peer vpdq was not measured: pdqhash not found" in told


def test_a_table_of_truths_is_read_as_it_was_written(tmp_path: Path) -> None:
    looped = replace(copy("audio-phone").truth, turns=(30.0, 40.25))
    truths = [copy("audio-phone").truth, looped, none(COUSIN, series="band/songs").truth]
    write_table(tmp_path / "truth.csv", truths)
    assert read_table(tmp_path / "truth.csv") == truths
    assert np.isclose(truths[0].ref_end, 25)
