"""Two organisations that claim the same stretch have an overlap to resolve; neither sees the other's works."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from index.catalog import Catalog
from tests.answers import answer, keep, match, register
from tests.service import client, served
from tests.test_catalog import random_fingerprint


@pytest.fixture
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("data")) as started:
        yield started


def work_of(app: FastAPI, org: str) -> tuple[TestClient, str]:
    """A rights holder with a work of their own."""
    holder = client(app, "holder", org=org)
    return holder, holder.post("/v1/works", json={"title": f"Nosferatu of {org}"}).json()["id"]


def test_the_same_bytes_of_two_are_one_reference_with_an_overlap(app: FastAPI) -> None:
    (first, work), (second, other_work) = work_of(app, "first"), work_of(app, "second")
    ref_id, same = register(app, work, 1, "first"), register(app, other_work, 1, "second")
    assert ref_id == same
    (mine,), (theirs,) = (who.get("/v1/references").json()["items"] for who in (first, second))
    assert (mine["id"], mine["work"]["title"], mine["name"]) == (
        str(ref_id),
        "Nosferatu of first",
        "1 of first.mkv",
    )
    assert (theirs["work"]["title"], theirs["name"]) == ("Nosferatu of second", "1 of second.mkv")
    (overlap,) = first.get("/v1/overlaps").json()["items"]
    assert second.get("/v1/overlaps").json()["items"] == [overlap]
    assert [side["org"]["name"] for side in overlap["sides"]] == ["second", "first"]
    assert overlap["segments"] == [{"start": 0.0, "end": 20.0, "other_start": 0.0, "other_end": 20.0}]
    assert client(app, "holder", org="third").get("/v1/overlaps").json()["items"] == []


def test_registering_again_changes_nothing(app: FastAPI) -> None:
    (first, work), (_, other_work) = work_of(app, "first"), work_of(app, "second")
    for _ in range(2):
        register(app, work, 1, "first")
        register(app, other_work, 1, "second")
    assert len(first.get("/v1/overlaps").json()["items"]) == 1
    assert len(first.get("/v1/references").json()["items"]) == 1


def test_a_stretch_of_anothers_reference_is_an_overlap(app: FastAPI) -> None:
    (_, work), (second, other_work) = work_of(app, "first"), work_of(app, "second")
    theirs = register(app, work, 1, "first")
    maybe = register(app, work, 3, "first")
    mine = register(app, other_work, 2, "second", (match(theirs, 0, 10), match(maybe, 0, 10, "review")))
    (overlap,) = second.get("/v1/overlaps").json()["items"]
    assert [side["reference"]["id"] for side in overlap["sides"]] == [str(mine), str(theirs)]
    assert overlap["segments"] == [{"start": 0.0, "end": 10.0, "other_start": 100.0, "other_end": 110.0}]
    register(app, other_work, 4, "second", (match(mine, 0, 10),))  # one's own is none
    assert len(second.get("/v1/overlaps").json()["items"]) == 1


def test_a_match_in_both_is_told_once(app: FastAPI) -> None:
    (_, work), (_, other_work) = work_of(app, "first"), work_of(app, "second")
    theirs = register(app, work, 1, "first")
    mine = register(app, other_work, 2, "second", (match(theirs),))
    answer_id = keep(app, answer(match(theirs), match(mine)), "police")
    investigator = client(app, "investigator", org="police")
    (told,) = investigator.get(f"/v1/matches/{answer_id}").json()["matches"]
    assert told["reference"]["id"] == str(theirs) and not told["overlap"][0]["resolved"]
    overlap = told["overlap"][0]["id"]
    owner = client(app).get("/v1/overlaps").json()["items"][0]["sides"][0]["org"]["id"]
    assert client(app).post(f"/v1/overlaps/{overlap}/resolve", json={"owner": owner}).status_code == 200
    (told,) = investigator.get(f"/v1/matches/{answer_id}").json()["matches"]
    assert told["reference"]["id"] == str(mine) and told["overlap"][0]["resolved"]


def test_a_side_may_only_give_way(app: FastAPI) -> None:
    (first, work), (second, other_work) = work_of(app, "first"), work_of(app, "second")
    register(app, work, 1, "first")
    register(app, other_work, 1, "second")
    (overlap,) = first.get("/v1/overlaps", params={"resolved": False}).json()["items"]
    orgs = {side["org"]["name"]: side["org"]["id"] for side in overlap["sides"]}
    path = f"/v1/overlaps/{overlap['id']}/resolve"
    assert first.post(path, json={"owner": orgs["first"]}).json()["code"] == "not-yours-to-say"
    assert first.post(path, json={"owner": "77"}).json()["code"] == "not-a-side"
    assert client(app, "holder", org="third").post(path, json={"owner": orgs["first"]}).status_code == 404
    assert (
        client(app, "investigator", org="first").post(path, json={"owner": orgs["second"]}).status_code == 403
    )
    done = first.post(path, json={"owner": orgs["second"]})
    assert (done.status_code, done.json()["owner"]) == (200, orgs["second"])
    assert second.get("/v1/overlaps", params={"resolved": False}).json()["items"] == []


def test_who_withdraws_leaves_the_reference_to_the_other(app: FastAPI) -> None:
    (first, work), (second, other_work) = work_of(app, "first"), work_of(app, "second")
    ref_id = register(app, work, 1, "first")
    register(app, other_work, 1, "second")
    assert first.delete(f"/v1/works/{work}").status_code == 204
    assert first.get(f"/v1/references/{ref_id}").status_code == 404
    assert second.get(f"/v1/references/{ref_id}").json()["work"]["id"] == other_work
    assert second.get("/v1/overlaps").json()["items"] == []
    catalog = Catalog(app.state.settings.database_url)
    assert catalog.reference(ref_id).work_id == int(other_work)
    catalog.close()
    assert second.delete(f"/v1/references/{ref_id}").status_code == 204
    assert client(app).get("/v1/references").json()["items"] == []


def on_the_command_line(app: FastAPI, title: str, owner: str, seed: int = 1) -> int:
    """A file of the given content, registered where nobody has a key."""
    catalog = Catalog(app.state.settings.database_url)
    made = catalog.add(f"{seed}.mkv", f"{seed:064x}", 20.0, [random_fingerprint(seed)], title, "film", owner)
    catalog.close()
    return made.id


def test_nobody_takes_over_what_the_command_line_registered_for_another(app: FastAPI) -> None:
    ref_id = on_the_command_line(app, "Faust", "Murnau")
    pirate, work = work_of(app, "pirate")
    assert register(app, work, 1, "pirate") == ref_id
    (overlap,) = pirate.get("/v1/overlaps").json()["items"]
    assert [side["title"] for side in overlap["sides"]] == ["Nosferatu of pirate", "Faust"]
    assert pirate.delete(f"/v1/references/{ref_id}").status_code == 204
    (kept,) = client(app).get("/v1/references").json()["items"]
    assert (kept["id"], kept["work"]["title"]) == (str(ref_id), "Faust")
    assert pirate.get("/v1/overlaps").json()["items"] == []


def test_a_stretch_of_what_the_command_line_registered_is_an_overlap(app: FastAPI) -> None:
    ref_id = on_the_command_line(app, "Faust", "Murnau")
    other, work = work_of(app, "other")
    register(app, work, 2, "other", (match(ref_id, 0, 10),))
    (overlap,) = other.get("/v1/overlaps").json()["items"]
    assert [side["org"]["name"] for side in overlap["sides"]] == ["other", "Administration"]


def test_what_was_registered_for_an_owner_is_its_organisations_under_the_work_it_says(app: FastAPI) -> None:
    ref_id = on_the_command_line(app, "Faust", "Murnau")
    holder, work = work_of(app, "Murnau")
    assert register(app, work, 1, "Murnau") == ref_id
    (mine,) = holder.get("/v1/references").json()["items"]
    assert mine["work"]["title"] == "Nosferatu of Murnau"
    assert [one["title"] for one in holder.get("/v1/works").json()["items"]] == [
        "Faust",
        "Nosferatu of Murnau",
    ]
    assert holder.get("/v1/overlaps").json()["items"] == []


def renamed(app: FastAPI, before: str, name: str) -> None:
    administrator = client(app)
    org = next(one for one in administrator.get("/v1/orgs").json()["items"] if one["name"] == before)
    administrator.patch(f"/v1/orgs/{org['id']}", json={"name": name}).raise_for_status()


def sides(who: TestClient) -> list[list[str]]:
    """Whose the sides of the overlaps are that an organisation sees."""
    return [[side["org"]["name"] for side in one["sides"]] for one in who.get("/v1/overlaps").json()["items"]]


def test_a_work_stays_its_holders_when_another_organisation_takes_the_name(app: FastAPI) -> None:
    ref_id = on_the_command_line(app, "Faust", "Murnau")
    holder = client(app, "holder", org="Murnau")
    holder.post("/v1/works", json={"title": "Faust", "kind": "film"}).raise_for_status()
    renamed(app, "Murnau", "Heirs")
    pirate, work = work_of(app, "Murnau")
    assert register(app, work, 1, "Murnau") == ref_id
    assert sides(pirate) == [["Murnau", "Heirs"]]
    assert pirate.delete(f"/v1/references/{ref_id}").status_code == 204
    assert [one["id"] for one in holder.get("/v1/references").json()["items"]] == [str(ref_id)]


def test_who_gave_up_a_name_has_nothing_of_what_is_registered_for_it(app: FastAPI) -> None:
    heirs, work = work_of(app, "Murnau")
    heirs.post("/v1/works", json={"title": "Faust", "kind": "film"}).raise_for_status()
    renamed(app, "Murnau", "Heirs")
    assert {one["owner"] for one in heirs.get("/v1/works").json()["items"]} == {"Heirs"}
    ref_id = on_the_command_line(app, "Faust", "Murnau")
    assert register(app, work, 1, "Heirs") == ref_id
    assert sides(heirs) == [["Heirs", "Administration"]]
    for one in heirs.get("/v1/works").json()["items"]:
        assert heirs.delete(f"/v1/works/{one['id']}").status_code == 204
    (kept,) = client(app).get("/v1/references").json()["items"]
    assert (kept["id"], kept["work"]["title"]) == (str(ref_id), "Faust")


def test_an_owner_who_is_there_is_the_side_and_not_the_administration(app: FastAPI) -> None:
    owner, (pirate, work) = client(app, "holder", org="Murnau"), work_of(app, "pirate")
    ref_id = on_the_command_line(app, "Faust", "Murnau")
    register(app, work, 1, "pirate")
    assert sides(owner) == sides(pirate) == [["pirate", "Murnau"]]
    (mine,) = owner.get("/v1/references").json()["items"]
    assert (mine["id"], mine["work"]["title"]) == (str(ref_id), "Faust")


def test_an_owner_who_comes_later_has_what_the_administration_kept(app: FastAPI) -> None:
    ref_id = on_the_command_line(app, "Faust", "Murnau")
    pirate, work = work_of(app, "pirate")
    register(app, work, 1, "pirate")
    assert sides(pirate) == [["pirate", "Administration"]]
    owner = client(app, "holder", org="Murnau")
    own = owner.post("/v1/works", json={"title": "Faust", "kind": "film"}).json()
    assert register(app, own["id"], 1, "Murnau") == ref_id
    assert sides(owner) == sides(pirate) == [["pirate", "Murnau"]]
    assert [one["id"] for one in owner.get("/v1/references").json()["items"]] == [str(ref_id)]


def test_a_name_is_not_taken_under_which_works_of_the_same_title_are_registered(app: FastAPI) -> None:
    holder = client(app, "holder", org="Murnau")
    holder.post("/v1/works", json={"title": "Faust", "kind": "film"}).raise_for_status()
    on_the_command_line(app, "Faust", "Heirs")
    org = next(one for one in client(app).get("/v1/orgs").json()["items"] if one["name"] == "Murnau")
    refused = client(app).patch(f"/v1/orgs/{org['id']}", json={"name": "Heirs"})
    assert (refused.status_code, refused.json()["code"]) == (409, "exists")
    assert holder.get("/v1/works").json()["items"][0]["owner"] == "Murnau"
