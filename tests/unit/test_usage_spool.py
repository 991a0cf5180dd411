"""The spool: what was appended is there, whatever happens to its process or its disk."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.usage.spool import Spool, claim
from athena.usage.types import Use
from tests.unit.uses import use


def finished(directory: Path) -> list[Use]:
    """All rows in segments that nobody writes to any more."""
    found = []
    for path in Spool(directory).waiting():
        with claim(path) as segment:
            for uses, unreadable in segment.batches(3) if segment is not None else ():
                assert not unreadable
                found += uses
    return found


def test_rows_come_back_in_order_and_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    sent = [use(request_id=f"r{n}", session="é\n\x00\u2028", reasons=("a", "b"), task=None) for n in range(10)]
    for each in sent[:7]:
        spool.append(each)
    spool.roll()
    for each in sent[7:]:
        spool.append(each)
    spool.roll()
    assert finished(tmp_path) == sent


@given(
    st.builds(
        use,
        request_id=st.text(st.characters(exclude_categories=["Cs"])),
        at=st.datetimes(timezones=st.just(UTC)),
        tokens_input=st.none() | st.integers(0, 2**63 - 1),
        total_ms=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        reasons=st.lists(st.text(st.characters(exclude_categories=["Cs"]))).map(tuple),
        counted_original=st.none() | st.integers(0, 10**9),
        local=st.booleans(),
    )
)
def test_any_row_comes_back_as_it_was(row: Use) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder))
        spool.append(row)
        spool.roll()
        assert finished(Path(folder)) == [row]


def test_what_is_still_being_written_is_nobody_elses(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(use())
    [path] = spool.waiting()
    with claim(path) as segment:
        assert segment is None
    spool.roll()
    with claim(path) as first, claim(path) as second:
        assert first is not None
        assert second is None
        first.remove()
    with claim(path) as segment:
        assert segment is None
    assert spool.waiting() == []


def test_a_dead_process_leaves_all_that_it_acknowledged(tmp_path: Path) -> None:
    """Killed while it appends, again and again, at no moment of its own choice."""
    script = (
        "import sys; from pathlib import Path; from athena.usage.spool import Spool; from tests.unit.uses import use\n"
        "spool = Spool(Path(sys.argv[1])); n = 0\n"
        "while True:\n"
        "    each = use(); spool.append(each); n += 1\n"
        "    if n % 1000 == 0: spool.roll()\n"
        "    print(each.id, flush=True)\n"
    )
    said: set[str] = set()
    for stop_after in (1, 700, 1_000, 1_500):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=_environment()
        )
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(stop_after)]
        process.kill()
        # What stands in the pipe had been said before; its last line may be cut short.
        lines += process.communicate()[0].splitlines(keepends=True)
        said |= {line.strip() for line in lines if line.endswith("\n")}
    kept = [str(each.id) for each in finished(tmp_path)]
    assert len(said) > 3_000
    assert said <= set(kept)
    assert len(kept) == len(set(kept))


def test_nothing_is_lost_between_one_who_begins_segments_and_others_who_take_them(tmp_path: Path) -> None:
    """A new segment is an empty file without a lock for a moment: just what a dead process leaves."""
    script = (
        "import sys; from pathlib import Path; from athena.usage.spool import Spool; from tests.unit.uses import use\n"
        "spool = Spool(Path(sys.argv[1]))\n"
        "for n in range(4000): spool.append(use(request_id=str(n))); spool.roll()\n"
        "sys.exit(spool.lost > 0)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], env=_environment()) for _ in range(2)]
    taken: list[str] = []
    while True:
        living = any(writer.poll() is None for writer in writers)
        for path in Spool(tmp_path).waiting():
            with claim(path) as segment:
                if segment is not None:
                    taken += [each.request_id for uses, _ in segment.batches(10) for each in uses]
                    segment.remove()
        if not living:
            break
    assert [writer.wait() for writer in writers] == [0, 0]
    assert sorted(taken, key=int) == [str(n) for n in range(4_000) for _ in writers]


def test_a_row_cut_short_is_skipped_and_spoils_no_other(tmp_path: Path) -> None:
    """A real write that the system cuts: the file may not grow beyond a limit."""
    script = (
        "import resource, sys; from pathlib import Path; from athena.usage.spool import Spool\n"
        "from tests.unit.uses import use\n"
        "spool = Spool(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "for n in range(50):\n"
        "    lost = spool.lost; each = use(); spool.append(each)\n"
        "    if spool.lost == lost: print(each.id)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, env=_environment()
    )
    written = [line for line in done.stdout.split() if len(line) == 36]
    assert len(list(tmp_path.glob("*.jsonl"))) > 5
    assert 20 < len(written) < 50
    assert [str(each.id) for each in finished(tmp_path)] == written


def test_a_full_spool_loses_rows_and_says_so_and_goes_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=3_000)
    for _ in range(20):
        spool.append(use())
    kept = 20 - spool.lost
    assert 0 < kept < 20
    assert spool.bytes <= 3_000
    spool.roll()
    assert len(finished(tmp_path)) == kept
    for path in spool.waiting():
        with claim(path) as segment:
            assert segment is not None
            segment.remove()
    spool.waiting()
    spool.append(use())
    assert spool.lost == 20 - kept


def test_what_others_left_counts_towards_the_limit(tmp_path: Path) -> None:
    before = Spool(tmp_path)
    before.append(use())
    size = before.bytes
    before.roll()
    spool = Spool(tmp_path, limit=2 * size)
    assert len(spool.waiting()) == 1
    spool.append(use())
    spool.append(use())
    assert spool.lost == 1


def test_a_folder_that_can_not_be_written_fails_no_request(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "spool")
    spool.append(use())
    assert spool.lost == 1
    assert spool.bytes == 0
    with pytest.raises(NotADirectoryError):
        spool.waiting()


def test_what_can_not_be_written_as_json_fails_no_request(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(use(session=object()))
    spool.append(use())
    assert spool.lost == 1
    spool.roll()
    assert len(finished(tmp_path)) == 1


def test_half_of_a_surrogate_pair_loses_no_row(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(use(session="cut \ud83d", tokens_input=7))
    spool.roll()
    [row] = finished(tmp_path)
    assert (row.session, row.tokens_input, spool.lost) == ("cut ?", 7, 0)


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append(use())
    [path] = spool.waiting()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_lines_that_are_no_rows_are_handed_out_beside_the_rows(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(use(request_id="good"))
    [path] = spool.waiting()
    spool.roll()
    with path.open("ab") as file:
        file.write(b'{"of": "another version"}\n\xff\n')
    with claim(path) as segment:
        assert segment is not None
        [(uses, unreadable)] = segment.batches(10)
        assert [each.request_id for each in uses] == ["good"]
        assert unreadable == [b'{"of": "another version"}', b"\xff"]
        segment.put_aside(unreadable)
    assert path.with_suffix(".refused").read_bytes() == b'{"of": "another version"}\n\xff\n'
    assert spool.waiting() == [path]


def test_a_row_of_an_older_version_gets_what_it_lacks_and_one_of_a_newer_loses_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    row = use()
    spool.append(row)
    [path] = spool.waiting()
    spool.roll()
    path.write_bytes(path.read_bytes().replace(b'"memory_characters":0', b'"of_tomorrow":1'))
    assert finished(tmp_path) == [row]


def test_segments_are_taken_oldest_first(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(12)]
    for moment in moments:
        spool.append(use(at=moment))
        spool.roll()
    assert [each.at for each in finished(tmp_path)] == moments


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
