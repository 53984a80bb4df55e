"""What is licensed is no infringement, a stretch that two claim is one match, and a holder is told of own works only."""

from datetime import UTC, datetime

import pytest

from evidence.answer import Json
from service.rights import COUNTRIES, Claim, Known, Licence, Overlap, host, judged
from tests.answers import answer, match

MAY = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
OURS, THEIRS = Claim(1, 10, "Nosferatu", "Prana-Film"), Claim(2, 20, "Nosferatu (copy)", "Somebody")


def captured(place: str | None = None, territory: str | None = None, at: str | None = None) -> Json:
    return {"place": place, "territory": territory, "at": at}


@pytest.mark.parametrize(
    ("licence", "where", "allowed"),
    [
        (Licence(1), captured(), True),
        (Licence(1, territory="DE"), captured(territory="DE"), True),
        (Licence(1, territory="DE"), captured(territory="FR"), False),
        (Licence(1, territory="DE"), captured(), False),
        (Licence(1, place="video.example.org"), captured("https://Video.Example.org:8443/watch?v=1"), True),
        (Licence(1, place="example.org"), captured("video.example.org"), True),
        (Licence(1, place="example.org"), captured("notexample.org"), False),
        (Licence(1, place="example.org"), captured("example.org.pirate.net"), False),
        (Licence(1, place="example.org"), captured("http://[broken"), False),
        (Licence(1, place="channel one"), captured("Channel One"), True),
        (Licence(1, place="one"), captured("channel.one"), False),
        (Licence(1, None, None, *MAY), captured(at="2026-05-01T00:00:00+00:00"), True),
        (Licence(1, None, None, *MAY), captured(at="2026-06-01T00:30:00+02:00"), True),
        (Licence(1, None, None, *MAY), captured(at="2026-06-01T00:00:00"), False),
        (Licence(1, None, None, *MAY), captured(), False),
        (Licence(1, "DE", "example.org", *MAY), captured("example.org", "DE", "2026-05-02"), True),
        (Licence(1, "DE", "example.org", *MAY), captured("example.org", "AT", "2026-05-02"), False),
    ],
)  # fmt: skip
def test_a_licence_allows_what_it_says_and_nothing_that_is_not_known(
    licence: Licence, where: Json, allowed: bool
) -> None:
    assert licence.allows(where) is allowed


def test_a_match_that_a_licence_allows_is_licensed_and_no_infringement() -> None:
    known = Known({1: [OURS]}, {10: [Licence(7, territory="DE")]})
    told = judged(answer(match(1)), captured(territory="DE"), known)
    assert told["status"] == "licensed"
    assert told["matches"][0]["licensed"]["licence"] == "7"
    elsewhere = judged(answer(match(1)), captured(territory="US"), known)
    assert elsewhere["status"] == "match" and "licensed" not in elsewhere["matches"][0]


def test_one_match_without_a_licence_is_an_infringement() -> None:
    known = Known({1: [OURS], 2: [THEIRS]}, {10: [Licence(7)]})
    assert judged(answer(match(1), match(2, 10, 20)), captured(), known)["status"] == "match"
    assert judged(answer(match(1), match(2, 10, 20, "review")), captured(), known)["status"] == "review"


def test_an_error_stays_an_error() -> None:
    assert judged(answer(error={"code": "damaged", "message": "x"}), captured(), Known())["status"] == "error"


def test_a_stretch_that_two_claim_is_one_match() -> None:
    shared = Overlap(5, frozenset({(1, 1), (2, 2)}))
    known = Known({1: [OURS], 2: [THEIRS]}, overlaps=[shared])
    both = answer(match(1, tied_with=["2"]), match(2, tied_with=["1"]), match(3, 20, 30))
    first, third = judged(both, captured(), known)["matches"]
    assert (first["reference"]["id"], third["reference"]["id"]) == ("1", "3")
    assert first["overlap"] == [{"id": "5", "resolved": False, "references": ["1", "2"]}]
    assert "tied_with" not in first and "overlap" not in third


def test_once_resolved_the_owners_match_is_told() -> None:
    shared = Overlap(5, frozenset({(1, 1), (2, 2)}), owner=2)
    known = Known({1: [OURS], 2: [THEIRS]}, overlaps=[shared])
    (told,) = judged(answer(match(1), match(2)), captured(), known)["matches"]
    assert told["reference"]["id"] == "2" and told["overlap"][0]["resolved"]
    (inner,) = judged(answer(match(1, also_in=[match(2)])), captured(), known)["matches"]
    assert inner["reference"]["id"] == "2"


def test_other_seconds_of_the_same_two_works_stay_two_matches() -> None:
    known = Known({1: [OURS], 2: [THEIRS]}, overlaps=[Overlap(5, frozenset({(1, 1), (2, 2)}))])
    assert len(judged(answer(match(1, 0, 10), match(2, 10, 20)), captured(), known)["matches"]) == 2


def test_the_same_bytes_of_two_are_told_as_the_owners() -> None:
    same = frozenset({(1, 1), (1, 2)})
    open_one = Known({1: [OURS, THEIRS]}, overlaps=[Overlap(5, same)])
    (told,) = judged(answer(match(1)), captured(), open_one)["matches"]
    assert told["reference"]["title"] == "Work of 1" and not told["overlap"][0]["resolved"]
    resolved = Known({1: [OURS, THEIRS]}, {10: [Licence(7)]}, [Overlap(5, same, owner=2)])
    (told,) = judged(answer(match(1)), captured(), resolved)["matches"]
    assert (told["reference"]["title"], told["reference"]["owner"]) == ("Nosferatu (copy)", "Somebody")
    assert "licensed" not in told  # who licensed it was not the owner


def test_while_it_is_open_either_sides_licence_stands() -> None:
    known = Known({1: [OURS, THEIRS]}, {20: [Licence(7)]}, [Overlap(5, frozenset({(1, 1), (1, 2)}))])
    assert judged(answer(match(1)), captured(), known)["status"] == "licensed"


def test_a_holder_is_told_of_own_works_only() -> None:
    known = Known({1: [OURS], 2: [THEIRS], 3: [OURS]})
    found = answer(match(2, also_in=[match(1)], tied_with=["3"]), match(3, 20, 30, "review", tied_with=["2"]))
    told = judged(found, captured(), known, only=1)
    assert [one["reference"]["id"] for one in told["matches"]] == ["1", "3"]
    assert "Somebody" not in str(told) and '"2"' not in str(told) and "tied_with" not in told["matches"][1]
    assert judged(answer(match(2)), captured(), known, only=1)["status"] == "no-match"


def test_a_holder_is_not_told_that_others_register() -> None:
    found = answer(match(1)) | {"registering": [2]}
    assert judged(found, captured(), Known())["registering"] is True
    assert judged(found, captured(), Known(), only=1)["registering"] is False
    assert judged(found, captured(), Known(), only=2)["registering"] is True
    assert judged(answer(match(1)), captured(), Known())["registering"] is False


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("HTTPS://User@Video.example.org:1/x", "video.example.org"),
        (" ZDF ", "zdf"),
        ("example.org.", "example.org"),
    ],
)
def test_a_place_is_a_host_or_a_channel(place: str, name: str) -> None:
    assert host(place) == name


def test_all_countries_are_known() -> None:
    assert len(COUNTRIES) == 249 and {"DE", "GB", "ZW"} <= COUNTRIES and "UK" not in COUNTRIES
