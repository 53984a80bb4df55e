"""A small stand-in for the API, to see the page with: everything in memory, one visitor."""

import asyncio
import hashlib
import itertools
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from service.api import problem
from service.api.problem import Problem, not_found
from service.store.caller import SCOPES_OF

KEY = "whorl_0123456789abcdef_" + "k" * 43
CSRF = "c" * 32
Json = dict[str, Any]


def moment(minute: int = 0) -> str:
    return datetime(2026, 11, 26, 10, minute % 60, tzinfo=UTC).isoformat()


class World:
    """What the service knows."""

    def __init__(self, folder: Path, role: str = "administrator") -> None:
        self.folder, self.role = folder, role
        self.answers: dict[str, Json] = {}
        self.verdicts: list[Json] = []
        self.works: list[Json] = []
        self.references: list[Json] = []
        self.licences: dict[str, list[Json]] = {}
        self.jobs: dict[str, Json] = {}
        self.cases: dict[str, Json] = {}
        self.uploads: dict[str, Json] = {}
        self.people: list[Json] = []
        self.orgs: list[Json] = [{"id": "1", "name": "Prana-Film", "created": moment()}]
        self.keys: list[Json] = []
        self.audit: list[Json] = []
        self.ids = itertools.count(1)
        self.broken = 0  # pieces of uploads that the line loses
        self.files: dict[str, Path] = {}

    def add_answer(
        self, name: str, sha256: str, duration: float, kinds: list[str], matches: list[Json], **more: Any
    ) -> str:
        number = str(next(self.ids))
        verdicts = {match["verdict"] for match in matches}
        status = next((s for s in ("match", "review") if s in verdicts), "no-match")
        query = {"name": name, "sha256": sha256, "duration": duration, "kinds": kinds}
        answer = {"id": f"a{number}", "created": moment(int(number)), "case": None, "captured": {}, "query": query,
                  "status": status, "error": None, "elapsed": 0.4, "matches": matches,
                  "engine": {"version": "0.1.0", "algorithms": ["audio/1", "video/3"]}}  # fmt: skip
        self.answers[answer["id"]] = answer | more
        return answer["id"]

    def add_job(self, name: str, state: str, **more: Any) -> Json:
        number = f"j{next(self.ids)}"
        job = {"id": number, "kind": "match", "state": state, "name": name, "priority": 10, "progress": 0.0, "attempts": 1,
               "error": None, "case": None, "upload": None, "match": None, "reference": None, "created": moment(),
               "started": None, "ended": None} | more  # fmt: skip
        self.jobs[number] = job
        return job


def listed(items: list[Json]) -> Json:
    return {"items": items, "next": None}


def fake(world: World) -> FastAPI:
    app = FastAPI()
    app.state.world = world
    problem.add_to(app)

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        path = request.url.path
        if path.startswith("/v1/") and path != "/v1/sessions":
            if request.cookies.get("whorl_session") != "s":
                return problem.response(Problem(401, "unauthenticated", "sign in"))
            if request.method not in ("GET", "HEAD") and request.headers.get("x-csrf-token") != CSRF:
                return problem.response(Problem(403, "csrf", "the form is no longer valid"))
        response: Response = await call_next(request)
        return response

    @app.post("/v1/sessions")
    async def sign_in(request: Request) -> Response:
        if (await request.json())["key"] != KEY:
            raise Problem(401, "unauthenticated", "unknown key")
        response = JSONResponse({"csrf": CSRF}, 201)
        response.set_cookie("whorl_session", "s", httponly=True, samesite="lax")
        return response

    @app.delete("/v1/sessions", status_code=204)
    def sign_out() -> Response:
        response = Response(status_code=204)
        response.delete_cookie("whorl_session")
        return response

    @app.get("/v1/me")
    def me() -> Json:
        return {
            "name": "Ilze",
            "org": world.orgs[0],
            "role": world.role,
            "scopes": sorted(SCOPES_OF[world.role]),
            "csrf": CSRF,
        }

    @app.get("/v1/matches")
    def matches(status: str = "", case: str = "", work: str = "", review: str = "", q: str = "") -> Json:
        def undecided(answer: Json) -> bool:
            told = {v["reference"] for v in world.verdicts if v["answer"] == answer["id"]}
            return any(m["reference"]["id"] not in told for m in answer["matches"])

        found = [a for a in world.answers.values() if status in ("", a["status"]) and case in ("", a["case"])]
        found = [a for a in found if not review or (undecided(a) == (review == "undecided"))]
        return listed([a for a in found if q.lower() in a["query"]["name"].lower()][::-1])

    @app.post("/v1/matches", status_code=202)
    async def match(request: Request) -> Json:
        body = await request.json()
        upload = world.uploads[body["upload"]]
        path = world.folder / upload["id"]
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        world.files[sha] = path
        answer = world.add_answer(upload["name"], sha, 5.0, ["audio"], [])
        return world.add_job(upload["name"], "running", match=answer, case=body.get("case"))

    @app.get("/v1/matches/{answer_id}")
    def get_match(answer_id: str) -> Json:
        if answer_id not in world.answers:
            raise not_found("match", answer_id)
        return world.answers[answer_id]

    @app.get("/v1/matches/{answer_id}/verdicts")
    def verdicts(answer_id: str) -> Json:
        return listed([v for v in world.verdicts if v["answer"] == answer_id])

    @app.post("/v1/matches/{answer_id}/verdicts", status_code=201)
    async def judge(answer_id: str, request: Request) -> Json:
        made = await request.json() | {"answer": answer_id, "actor": "Ilze", "at": moment(5), "id": "1"}
        world.verdicts.append(made)
        return made

    @app.get("/v1/works")
    def works(q: str = "") -> Json:
        return listed([w for w in world.works if q.lower() in w["title"].lower()])

    @app.get("/v1/works/{work_id}")
    def work(work_id: str) -> Json:
        found = next((w for w in world.works if w["id"] == work_id), None)
        if found is None:
            raise not_found("work", work_id)
        return found

    @app.get("/v1/works/{work_id}/licences")
    def licences(work_id: str) -> Json:
        return listed(world.licences.get(work_id, []))

    @app.put("/v1/works/{work_id}/licences")
    async def put_licences(work_id: str, request: Request) -> Json:
        items = (await request.json())["items"]
        world.licences[work_id] = [{"id": str(i)} | one for i, one in enumerate(items)]
        return listed(world.licences[work_id])

    @app.get("/v1/works/{work_id}/coverage")
    def coverage(work_id: str) -> Json:
        refs = [r for r in world.references if r["work"]["id"] == work_id]
        return listed([{"reference": {"id": r["id"], "name": r["name"]}, "duration": r["duration"], "codes": {},
                        "found": [{"start": 3.0, "end": 17.0}], "found_seconds": 14.0, "answers": 1} for r in refs])  # fmt: skip

    @app.get("/v1/overlaps")
    def overlaps() -> Json:
        return listed([])

    @app.get("/v1/jobs")
    def jobs(state: str = "") -> Json:
        return listed([j for j in world.jobs.values() if state in ("", j["state"])][::-1])

    @app.get("/v1/jobs/{job_id}")
    def job(job_id: str) -> Json:
        return world.jobs[job_id]

    @app.post("/v1/jobs/{job_id}/{change}")
    def change(job_id: str, change: str) -> Json:
        world.jobs[job_id]["state"] = {"cancel": "cancelled", "retry": "queued"}[change]
        return world.jobs[job_id]

    @app.get("/v1/jobs/{job_id}/events")
    async def events(job_id: str) -> Response:
        return EventSourceResponse(progress(world, job_id))

    @app.get("/v1/cases")
    def cases(q: str = "") -> Json:
        return listed([c for c in world.cases.values() if q.lower() in c["name"].lower()])

    @app.post("/v1/cases", status_code=201)
    async def open_case(request: Request) -> Json:
        made = {
            "id": f"c{next(world.ids)}",
            "org": "1",
            "created": moment(),
            "closed": None,
            "answers": 0,
        } | await request.json()
        world.cases[made["id"]] = made
        return made

    @app.get("/v1/cases/{case_id}")
    def case(case_id: str) -> Json:
        return world.cases[case_id]

    @app.patch("/v1/cases/{case_id}")
    async def change_case(case_id: str, request: Request) -> Json:
        body = await request.json()
        if "closed" in body:
            body["closed"] = moment() if body["closed"] else None
        world.cases[case_id] |= body
        return world.cases[case_id]

    @app.get("/v1/orgs")
    def orgs() -> Json:
        return listed(world.orgs)

    @app.get("/v1/people")
    def people() -> Json:
        return listed(world.people)

    @app.get("/v1/keys")
    def keys() -> Json:
        return listed(world.keys)

    @app.post("/v1/keys", status_code=201)
    async def make_key(request: Request) -> Json:
        made = {
            "id": "f" * 16,
            "created": moment(),
            "expires": None,
            "revoked": None,
            "used": None,
        } | await request.json()
        world.keys.append(made)
        return made | {"key": KEY}

    @app.get("/v1/audit")
    def audit() -> Json:
        return listed(world.audit)

    @app.post("/v1/uploads", status_code=201)
    def create(request: Request) -> Response:
        number = f"u{next(world.ids)}"
        named = request.headers["upload-metadata"].split(" ")[1]
        length = int(request.headers["upload-length"])
        world.uploads[number] = {
            "id": number,
            "name": b64decode(named).decode(),
            "length": length,
            "received": 0,
        }
        (world.folder / number).touch()
        return Response(
            status_code=201, headers={"Location": f"/v1/uploads/{number}", "Tus-Resumable": "1.0.0"}
        )

    @app.head("/v1/uploads/{number}")
    def where(number: str) -> Response:
        return Response(
            headers={"Upload-Offset": str(world.uploads[number]["received"]), "Tus-Resumable": "1.0.0"}
        )

    @app.patch("/v1/uploads/{number}", status_code=204)
    async def piece(number: str, request: Request) -> Response:
        upload, body = world.uploads[number], await request.body()
        if world.broken:
            world.broken -= 1
            raise Problem(503, "busy", "come again")
        assert int(request.headers["upload-offset"]) == upload["received"]
        kind, said = request.headers["upload-checksum"].split(" ")
        assert b64decode(said) == hashlib.new(kind, body).digest()
        with (world.folder / number).open("ab") as file:
            file.write(body)
        upload["received"] += len(body)
        return Response(
            status_code=204, headers={"Upload-Offset": str(upload["received"]), "Tus-Resumable": "1.0.0"}
        )

    return app


async def progress(world: World, job_id: str) -> AsyncIterator[ServerSentEvent]:
    job = world.jobs[job_id]
    for step in (0.3, 0.7):
        await asyncio.sleep(0.2)
        job["progress"] = step
        yield ServerSentEvent(json.dumps(job), event="progress", id=str(step))
    await asyncio.sleep(0.2)
    job |= {"progress": 1.0, "state": "done"}
    yield ServerSentEvent(json.dumps(job), event="end", id="9")
