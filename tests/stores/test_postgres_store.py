"""Runs in PostgreSQL, against a real server that the tests start: see `postgres_server.py`."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from cutting_proxy import CuttingProxy, cutting_proxy
from postgres_server import PostgresServer

from swarm.errors import StoreError
from swarm.stores.base import DONE, EVENTS, NewRun, Question, Record
from swarm.stores.postgres import PostgresStore, Timeouts

ROOT = Path(__file__).parents[2]
SECRET = "s3cr3t"
QUICK = Timeouts(patience_s=0.3)


@pytest.fixture
async def store(server: PostgresServer, schema: str) -> AsyncGenerator[PostgresStore]:
    store = PostgresStore(server.dsn, schema=schema)
    yield store
    await store.aclose()


@pytest.fixture
async def proxy(server: PostgresServer) -> AsyncGenerator[tuple[CuttingProxy, str]]:
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        async with cutting_proxy(server.folder, Path(folder)) as proxy:
            yield proxy


def new_run(run_id: str = "r", *, key: str | None = None) -> NewRun:
    return NewRun(id=run_id, graph="g", version="v1", input='{"text": "hello"}', at=1.0, key=key)


def done(place: str, body: str = "1") -> Record:
    return Record(DONE, place, "", body)


def question(token: str = "token") -> Question:
    return Question(token=token, run="r", place="ask", call="", text="Really?", fields="{}", expires=100.0)


async def places(store: PostgresStore, run_id: str = "r") -> list[str]:
    return [record.place for record in (await store.load(run_id)).records]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those it came from, shown or not."""
    while error is not None:
        yield error
        error = error.__context__


# Several owners


async def test_what_an_owner_of_before_appends_is_refused_and_the_new_owner_goes_on(
    server: PostgresServer, store: PostgresStore, schema: str
) -> None:
    await store.create(new_run())
    await store.append("r", 1, [done("a")])
    other = PostgresStore(server.dsn, schema=schema)
    claimed = await other.claim("r")
    for late in (store.append("r", 1, [done("b")]), store.end("r", 1, "completed", [], 2.0)):
        with pytest.raises(StoreError) as caught:
            await late
        assert caught.value.code == "stale_epoch"
    await other.append("r", claimed.epoch, [done("b")])
    assert await places(store) == ["a", "b"]
    await other.aclose()


async def test_a_run_that_another_process_claimed_is_not_ours_any_more(
    server: PostgresServer, store: PostgresStore, schema: str
) -> None:
    await store.create(new_run())
    program = (
        "import asyncio, sys\nfrom swarm.stores.postgres import PostgresStore\n"
        "async def main():\n store = PostgresStore(sys.argv[1], schema=sys.argv[2])\n"
        " print((await store.claim('r')).epoch)\n await store.aclose()\n"
        "asyncio.run(main())"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, server.dsn, schema, stdout=subprocess.PIPE
    )
    printed, _ = await other.communicate()
    assert int(printed) == 2
    with pytest.raises(StoreError) as caught:
        await store.append("r", 1, [done("a")])
    assert caught.value.code == "stale_epoch"


async def test_of_many_who_claim_at_once_each_has_an_epoch_of_its_own_and_one_may_write(
    server: PostgresServer, store: PostgresStore, schema: str
) -> None:
    await store.create(new_run())
    others = [PostgresStore(server.dsn, schema=schema, connections=2) for _ in range(4)]
    claimed = await asyncio.gather(*[other.claim("r") for other in others for _ in range(3)])
    epochs = [each.epoch for each in claimed]
    assert sorted(epochs) == list(range(2, 14))
    written = await asyncio.gather(
        *[store.append("r", epoch, [done(f"by {epoch}")]) for epoch in epochs], return_exceptions=True
    )
    assert [epoch for epoch, outcome in zip(epochs, written, strict=True) if outcome is None] == [13]
    assert await places(store) == ["by 13"]
    for other in others:
        await other.aclose()


async def test_what_was_acknowledged_before_a_claim_is_known_to_the_new_owner(
    server: PostgresServer, store: PostgresStore, schema: str
) -> None:
    acknowledged: dict[str, list[str]] = {f"r{n}": [] for n in range(30)}

    async def write_until_taken(run_id: str) -> str:
        for n in itertools.count():
            try:
                await store.append(run_id, 1, [done(f"{n}")])
            except StoreError as error:
                return error.code
            acknowledged[run_id].append(f"{n}")
        raise AssertionError("it counts for ever")

    other = PostgresStore(server.dsn, schema=schema)
    await asyncio.gather(*[store.create(new_run(run_id)) for run_id in acknowledged])
    writing = [asyncio.ensure_future(write_until_taken(run_id)) for run_id in acknowledged]
    await store.stats()
    claimed = await asyncio.gather(*[other.claim(run_id) for run_id in acknowledged])
    assert set(await asyncio.gather(*writing)) == {"stale_epoch"}
    for each in claimed:
        known = [record.place for record in each.run.records]
        assert known == acknowledged[each.run.head.id], "acknowledged, and not seen by the new owner"
        assert known == await places(other, each.run.head.id), "written by the owner of before"
    await other.aclose()


async def test_processes_that_come_first_at_once_make_the_tables_once(
    server: PostgresServer, schema: str
) -> None:
    stores = [PostgresStore(server.dsn, schema=schema) for _ in range(5)]
    ids = await asyncio.gather(
        *[store.create(new_run(f"r{n}", key="same")) for n, store in enumerate(stores)]
    )
    assert len(set(ids)) == 1
    assert (await stores[0].stats()).runs == 1
    for store in stores:
        await store.aclose()


# Many at once


async def test_two_hundred_runs_at_once_are_kept_whole_and_in_order(store: PostgresStore) -> None:
    async def one(run_id: str) -> None:
        await store.create(new_run(run_id))
        for n in range(6):
            await store.append(run_id, 1, [done(f"{n}"), Record(EVENTS, "", "", "[]")])
        await store.end(run_id, 1, "completed", [], 2.0)

    ids = [f"run-{n}" for n in range(200)]
    await asyncio.gather(*map(one, ids))
    for run_id in ids:
        assert [place for place in await places(store, run_id) if place] == list("012345")
    stats = await store.stats()
    assert (stats.by_status, stats.records) == ({"completed": 200}, 2400)


async def test_appends_that_one_run_begins_at_once_are_kept_in_the_order_of_their_beginning(
    store: PostgresStore,
) -> None:
    await store.create(new_run())
    await asyncio.gather(*[store.append("r", 1, [done(f"{n}")]) for n in range(300)])
    assert await places(store) == [f"{n}" for n in range(300)]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (done("twice"), "recorded_twice"),
        (done("nul", "\0"), "invalid"),
        (done("half a \ud800"), "invalid"),
        (done("x" * 17_000_000, "1"), "too_large"),
        (done("big", "x" * 17_000_000), "too_large"),
    ],
    ids=["a second result", "a NUL", "half a character", "a name for no index", "a large body"],
)
async def test_a_bad_append_among_many_is_refused_alone(store: PostgresStore, bad: Record, code: str) -> None:
    await asyncio.gather(*[store.create(new_run(f"r{n}")) for n in range(10)])
    await store.append("r5", 1, [done("twice")])
    outcomes = await asyncio.gather(
        *[store.append(f"r{n}", 1, [bad if n == 5 else done("good")]) for n in range(10)],
        store.append("r0", 7, [done("late")]),
        store.append("nobody", 1, [done("lost")]),
        return_exceptions=True,
    )
    codes = [outcome.code if isinstance(outcome, StoreError) else outcome for outcome in outcomes]
    assert codes == [None] * 5 + [code] + [None] * 4 + ["stale_epoch", "no_run"]


async def test_who_holds_one_run_for_long_does_not_stop_the_others(
    server: PostgresServer, schema: str
) -> None:
    import psycopg

    store = PostgresStore(server.dsn, schema=schema, timeouts=Timeouts(lock_s=0.2))
    await asyncio.gather(*[store.create(new_run(f"r{n}")) for n in range(4)])
    async with await psycopg.AsyncConnection.connect(server.dsn) as foreign:
        await foreign.execute("SET search_path = " + schema)  # type: ignore[arg-type]
        await foreign.execute("SELECT FROM runs WHERE id = 'r2' FOR UPDATE")
        outcomes = await asyncio.gather(
            *[store.append(f"r{n}", 1, [done("a")]) for n in range(4)], return_exceptions=True
        )
    codes = [outcome.code if isinstance(outcome, StoreError) else outcome for outcome in outcomes]
    assert codes == [None, None, "busy", None]
    await store.append("r2", 1, [done("a")])
    await store.aclose()


# A server that goes away


async def test_runs_go_on_through_a_server_that_crashes_with_nothing_lost_and_nothing_twice(
    server: PostgresServer, store: PostgresStore
) -> None:
    written = 0
    moments = {n: asyncio.Event() for n in (150, 400)}

    async def one(run_id: str) -> None:
        nonlocal written
        await store.create(new_run(run_id))
        for n in range(30):
            await store.append(
                run_id, 1, [Record(EVENTS, f"{n}", "", "[]")]
            )  # nothing but order forbids a second
            written += 1
            if written in moments:
                moments[written].set()
        await store.end(run_id, 1, "completed", [done("end")], 2.0)

    async def crash() -> None:
        for moment in moments.values():
            await moment.wait()
            await asyncio.to_thread(server.restart_at_once)

    ids = [f"run-{n}" for n in range(20)]
    await asyncio.gather(crash(), *map(one, ids))
    for run_id in ids:
        assert await places(store, run_id) == [f"{n}" for n in range(30)] + ["end"]


async def test_a_server_that_stays_away_is_told_and_found_again_when_it_is_back(
    server: PostgresServer, schema: str
) -> None:
    store = PostgresStore(server.dsn, schema=schema, timeouts=QUICK)
    await store.create(new_run())
    await asyncio.to_thread(server.stop)
    try:
        for call in (store.append("r", 1, [done("a")]), store.load("r")):
            with pytest.raises(StoreError, match="PostgreSQL server") as caught:
                await call
            assert caught.value.code == "busy"
    finally:
        await asyncio.to_thread(server.start)
    await store.append("r", 1, [done("a")])
    assert await places(store) == ["a"]
    await store.aclose()


@pytest.mark.parametrize("action", ["append", "two appends", "ask", "end", "end without records"])
async def test_a_write_whose_answer_is_lost_is_done_once(
    action: str, proxy: tuple[CuttingProxy, str], schema: str
) -> None:
    cutting, dsn = proxy
    store = PostgresStore(dsn, schema=schema)
    await store.create(new_run())
    events = [Record(EVENTS, "e", "", "[]")]
    cutting.cut_after("COMMIT")
    match action:
        case "append":
            await store.append("r", 1, events)
        case "two appends":
            await asyncio.gather(store.append("r", 1, events), store.append("r", 1, [done("a")]))
        case "ask":
            await store.ask("r", 1, question(), events)
        case "end":
            await store.end("r", 1, "failed", events, 2.0)
        case _:
            await store.end("r", 1, "failed", [], 2.0)
    assert cutting.cuts == 1
    expected = {"two appends": ["e", "a"], "end without records": []}
    assert await places(store) == expected.get(action, ["e"])
    await store.aclose()


async def test_a_run_whose_beginning_got_no_answer_begins_once(
    proxy: tuple[CuttingProxy, str], schema: str
) -> None:
    cutting, dsn = proxy
    store = PostgresStore(dsn, schema=schema)
    await store.stats()
    cutting.cut_after("COMMIT")
    assert await store.create(new_run()) == "r"
    cutting.cut_after("COMMIT")
    assert await store.create(new_run("s", key="k")) == "s"
    assert cutting.cuts == 2
    assert (await store.stats()).runs == 2
    await store.aclose()


async def test_who_answers_cancels_or_claims_and_hears_nothing_is_told_the_truth_in_the_end(
    proxy: tuple[CuttingProxy, str], schema: str
) -> None:
    cutting, dsn = proxy
    store = PostgresStore(dsn, schema=schema)
    await store.create(new_run())
    await store.ask("r", 1, question(), [])
    cutting.cut_after("COMMIT")
    answered = await store.answer("token", '{"text": "yes"}', 2.0)
    assert (answered.first, answered.question.answer) == (True, '{"text": "yes"}')
    cutting.cut_after("COMMIT")
    claimed = await store.claim("r")
    await store.append("r", claimed.epoch, [done("a")])
    cutting.cut_after("'cancelled'")
    assert await store.cancel("r", 3.0)
    assert not await store.cancel("r", 4.0)
    assert cutting.cuts == 3
    await store.aclose()


async def test_a_server_that_was_never_there_is_told_at_once(tmp_path: Path) -> None:
    store = PostgresStore(f"postgresql:///nothing?host={tmp_path}", timeouts=Timeouts(patience_s=3600.0))
    with pytest.raises(StoreError, match="there is no such socket") as caught:
        await store.stats()
    assert caught.value.code == "busy"
    await store.aclose()


# Durable, and once


async def test_what_a_killed_process_was_told_is_kept_and_another_goes_on(
    server: PostgresServer, store: PostgresStore, schema: str
) -> None:
    await store.create(new_run())
    program = (
        "import asyncio, sys\nfrom swarm.stores.base import Record\n"
        "from swarm.stores.postgres import PostgresStore\n"
        "async def main():\n store = PostgresStore(sys.argv[1], schema=sys.argv[2])\n"
        " for n in range(100_000):\n"
        "  await store.append('r', 1, [Record('done', str(n), '', '1')])\n  print(n, flush=True)\n"
        "asyncio.run(main())"
    )
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, server.dsn, schema, stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    while (line := await writer.stdout.readline()) != b"50\n":
        assert line, "the writer ended too early"
    writer.kill()
    told = [b"50", *(await writer.stdout.read()).split()]
    await writer.wait()
    claimed = await store.claim("r")
    kept = [record.place for record in claimed.run.records]
    assert kept == [f"{n}" for n in range(len(kept))]
    assert int(told[-1]) < len(kept) <= int(told[-1]) + 2, "told and not kept, or kept and never begun"
    await store.append("r", claimed.epoch, [done("next")])


async def test_a_commit_means_the_disk_whatever_the_database_is_set_to(
    server: PostgresServer, store: PostgresStore, schema: str
) -> None:
    import psycopg

    await store.create(new_run())
    async with await psycopg.AsyncConnection.connect(server.dsn, autocommit=True) as admin:
        await admin.execute(f"SET search_path = {schema}")  # type: ignore[arg-type]
        await admin.execute("ALTER ROLE owner SET synchronous_commit = off")
        await admin.execute("CREATE TABLE seen (setting text)")
        await admin.execute(
            "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$"
        )
        await admin.execute(
            "CREATE TRIGGER look BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION look()"
        )
        other = PostgresStore(server.dsn, schema=schema)
        await other.append("r", 1, [done("a")])
        await other.aclose()
        seen = await (await admin.execute("SELECT setting FROM seen")).fetchall()
        await admin.execute("ALTER ROLE owner RESET synchronous_commit")
    assert seen == [("on",)]


async def test_the_database_itself_forbids_a_second_result(
    server: PostgresServer, store: PostgresStore, schema: str
) -> None:
    import psycopg

    await store.create(new_run())
    await store.append("r", 1, [done("a")])
    async with await psycopg.AsyncConnection.connect(server.dsn, autocommit=True) as foreign:
        await foreign.execute(f"SET search_path = {schema}")  # type: ignore[arg-type]
        with pytest.raises(psycopg.errors.UniqueViolation):
            await foreign.execute("INSERT INTO journal VALUES ('r', 99, 'done', 'a', '', '2')")
        await foreign.execute("INSERT INTO journal VALUES ('r', 99, 'events', 'a', '', '2')")


# Addresses, names and rights


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://u:{SECRET}@127.0.0.1:9/x",
        f"postgresql://u:{SECRET}@{SECRET}@127.0.0.1/x",
        f"postgresql://u:{SECRET}%ZZ@127.0.0.1/x",
        f"postgresql://u:1/{SECRET}@127.0.0.1/x",
        f"postgresql://u:x@127.0.0.1:{SECRET}/x",
        f"postgresql://u@127.0.0.1:9/x?password={SECRET}&nonsense={SECRET}",
    ],
)
@pytest.mark.parametrize("by", ["argument", "variable"])
async def test_an_address_that_does_not_work_is_told_without_its_password(
    dsn: str, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = dsn if by == "argument" else "env:RUNS"
    store = PostgresStore(given, timeouts=Timeouts(connect_s=2.0, patience_s=0.1), env={"RUNS": dsn})
    with pytest.raises(StoreError) as caught:
        await store.stats()
    assert SECRET not in "".join(traceback.format_exception(caught.value)) + caplog.text
    assert SECRET not in repr(store) + repr(vars(store))
    assert not any(SECRET in str(error) for error in chain(caught.value)), (
        "a collector of errors would show it"
    )
    await store.aclose()


@pytest.mark.parametrize("dsn", ["", f"host=x password={SECRET}", f"mysql://u:{SECRET}@x/y"])
def test_what_is_no_address_of_postgresql_is_refused_at_once(dsn: str) -> None:
    with pytest.raises(StoreError, match="address of a PostgreSQL database") as caught:
        PostgresStore(dsn)
    assert SECRET not in str(caught.value)


async def test_the_address_may_be_in_a_variable(server: PostgresServer, schema: str) -> None:
    store = PostgresStore("env:RUNS", schema=schema, env={"RUNS": server.dsn})
    assert await store.create(new_run()) == "r"
    await store.aclose()


async def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(StoreError, match="variable 'RUNS' is not set"):
        await PostgresStore("env:RUNS", env={}).stats()


@pytest.mark.parametrize(
    "schema", ["", "Swarm", "a-b", "a.b", "1a", "a; DROP TABLE x", 'a"b', "pg_x", "a" * 64, "ä"]
)
def test_a_schema_has_a_plain_name(schema: str) -> None:
    with pytest.raises(ValueError, match="cannot name a schema"):
        PostgresStore("postgresql:///x", schema=schema)


async def test_two_applications_in_one_database_do_not_see_each_other(
    server: PostgresServer, store: PostgresStore, schema: str
) -> None:
    other = PostgresStore(server.dsn, schema=f"{schema}_2")
    await store.create(new_run())
    assert await other.runs() == []
    await other.create(new_run())
    assert await other.cancel("r", 2.0)
    assert (await store.load("r")).head.status == "running"
    await other.aclose()


async def test_a_role_that_may_only_read_and_write_the_tables_is_enough(
    server: PostgresServer, store: PostgresStore, schema: str
) -> None:
    import psycopg

    await store.stats()
    async with await psycopg.AsyncConnection.connect(server.dsn, autocommit=True) as admin:
        for statement in (
            "CREATE ROLE app LOGIN",
            f"GRANT USAGE ON SCHEMA {schema} TO app",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO app",
        ):
            await admin.execute(statement)  # type: ignore[arg-type]
        dsn = server.dsn.replace("owner@", "app@")
        app = PostgresStore(dsn, schema=schema)
        await app.create(new_run())
        await app.append("r", 1, [done("a")])
        assert (await app.claim("r")).epoch == 2
        await app.aclose()
        elsewhere = PostgresStore(dsn, schema=f"{schema}_2")
        with pytest.raises(StoreError, match="permission denied") as caught:
            await elsewhere.stats()
        assert "grant the role" in caught.value.hint
        await elsewhere.aclose()
        await admin.execute("DROP OWNED BY app")
        await admin.execute("DROP ROLE app")


async def test_tables_of_a_later_version_are_left_alone(
    server: PostgresServer, store: PostgresStore, schema: str
) -> None:
    import psycopg

    await store.create(new_run())
    async with await psycopg.AsyncConnection.connect(server.dsn, autocommit=True) as admin:
        await admin.execute(f"UPDATE {schema}.schema_version SET version = 99")  # type: ignore[arg-type]
    later = PostgresStore(server.dsn, schema=schema)
    with pytest.raises(StoreError, match="version 99") as caught:
        await later.create(new_run("s"))
    assert caught.value.code == "schema"
    await later.aclose()


# Copies and closing


async def test_the_command_that_backup_names_copies_all_runs(
    server: PostgresServer, store: PostgresStore, tmp_path: Path
) -> None:
    await store.create(new_run())
    with pytest.raises(StoreError) as caught:
        await store.backup(tmp_path / "a copy")
    assert caught.value.code == "unsupported"
    environment = {
        **os.environ,
        "DATABASE_URL": server.dsn,
        "PATH": f"{server.programs}:{os.environ['PATH']}",
    }
    check = f"pg_restore --list {shlex.quote(str(tmp_path / 'a copy'))}"
    command = await asyncio.create_subprocess_shell(
        f"{caught.value.hint} && {check}", env=environment, stdout=subprocess.PIPE
    )
    listed, _ = await command.communicate()
    assert all(table in listed.decode() for table in ("runs", "inputs", "journal", "questions", "graphs"))


async def test_closing_waits_for_what_was_begun_and_refuses_the_rest(
    server: PostgresServer, store: PostgresStore, schema: str
) -> None:
    other = PostgresStore(server.dsn, schema=schema)
    await other.create(new_run())
    begun = [asyncio.ensure_future(other.append("r", 1, [done(f"{n}")])) for n in range(50)]
    await asyncio.sleep(0)
    await other.aclose()
    await other.aclose()
    await asyncio.gather(*begun)
    for late in (other.append("r", 1, [done("late")]), other.load("r"), other.create(new_run("s"))):
        with pytest.raises(StoreError) as caught:
            await late
        assert caught.value.code == "closed"
    assert len(await places(store)) == 50


async def test_who_is_cancelled_while_waiting_leaves_the_store_whole(store: PostgresStore) -> None:
    await store.create(new_run())
    reading = asyncio.ensure_future(store.load("r"))
    writing = asyncio.ensure_future(store.append("r", 1, [done("a")]))
    await asyncio.sleep(0)
    reading.cancel()
    writing.cancel()
    outcomes = await asyncio.gather(reading, writing, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    await store.append("r", 1, [done("b")])
    assert await places(store) == ["a", "b"]


def test_a_store_of_another_event_loop_says_so(server: PostgresServer, schema: str) -> None:
    store = PostgresStore(server.dsn, schema=schema)

    async def close() -> None:
        await store.aclose()

    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(store.create(new_run()))
        with pytest.raises(StoreError, match="another event loop"):
            second.run(store.load("r"))
        first.run(close())


def test_the_code_of_the_page_about_this_store_runs(
    server: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (ROOT / "docs/how-to/keep-runs-in-postgres.md").read_text(encoding="utf-8")
    first, second = re.findall(r"^```py\n(.*?)^```", page, re.M | re.S)
    shutil.copytree(ROOT / "examples/bank_triage", tmp_path / "examples/bank_triage")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", server.dsn)
    names: dict[str, object] = {"__name__": "__main__"}
    exec(first, names)
    exec(first, names)  # the same key: no second run
    exec(second, names)
    assert capsys.readouterr().out == "This goes to the lost_card desk.\n" * 2
    with asyncio.Runner() as runner:
        store = PostgresStore(server.dsn)
        heads = runner.run(store.runs())
        runner.run(store.aclose())
    assert [(head.key, head.status) for head in heads] == [("request-4711", "completed")]


def test_without_psycopg_the_store_says_what_to_install() -> None:
    program = (
        "import sys\nsys.modules['psycopg'] = None\nfrom swarm.errors import StoreError\n"
        "from swarm.stores.postgres import PostgresStore\n"
        "try: PostgresStore('postgresql:///x')\nexcept StoreError as error: print(error.hint)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "pip install 'swarm-slm[postgres]'"


def test_naming_the_store_loads_no_psycopg() -> None:
    program = "import sys, swarm.stores.postgres\nprint('psycopg' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "False"
