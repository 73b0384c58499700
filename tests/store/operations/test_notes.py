"""What people leave with an incident stays there, for those who may see it; on both databases."""

from __future__ import annotations

import pytest

from sewu.base.errors import BadInput, NotFound
from sewu.base.incidents import Attachment, Snooze
from sewu.base.rights import Scope
from sewu.base.words import Words
from sewu.respond.handover import checklist, hand_over
from sewu.store.operations.database import Database
from sewu.store.operations.incidents import Incidents
from sewu.store.operations.notes import MAX_ATTACHMENT_BYTES, Notes
from tests.respond.desks import CITY, NOW_S, camera, desk_over, event, run

ELSEWHERE = Scope(("33.75",))


def test_comments_attachments_ticks_and_watchers_are_kept_with_their_history(database_url: str) -> None:
    async def work(database: Database) -> None:
        (one,) = (await desk_over(database, camera(1)).take("s1", 1, [event(1)], NOW_S)).opened
        notes = Notes(database)
        said = await notes.comment(CITY, one, "usr_1", " sudah dicek ", NOW_S + 5)
        file = Attachment("att_1", one, NOW_S + 6, "usr_1", "foto.jpg", "image/jpeg", 10, "ab" * 32)
        await notes.attach(CITY, file)
        item = checklist("illegal_parking", Words("id"))[0]
        await notes.tick(CITY, one, item.key, "usr_1", NOW_S + 7)
        await notes.tick(CITY, one, item.key, "usr_2", NOW_S + 8)
        await notes.watch(CITY, one, "usr_3", NOW_S + 9)
        await notes.watch(CITY, one, "usr_3", NOW_S + 9)
        assert said.text == "sudah dicek" and await notes.comments(CITY, one) == (said,)
        assert await notes.attachments(CITY, one) == (file,)
        assert await notes.ticks(CITY, one) == {item.key: ("usr_1", NOW_S + 7)}
        assert await notes.watchers(CITY, one) == ("usr_3",) and await notes.watchers(ELSEWHERE, one) == ()
        await notes.watch(CITY, one, "usr_3", NOW_S + 9, wanted=False)
        assert await notes.watchers(CITY, one) == ()
        actions = [entry.action for entry in await Incidents(database).history(CITY, one)]
        assert actions == ["opened", "commented", "attached", "ticked"]
        with pytest.raises(NotFound):
            await notes.comment(ELSEWHERE, one, "usr_1", "x", NOW_S)
        with pytest.raises(BadInput):
            await notes.comment(CITY, one, "usr_1", "  ", NOW_S)
        with pytest.raises(BadInput):
            await notes.attach(CITY, Attachment("att_2", one, NOW_S, "u", "n", "t", MAX_ATTACHMENT_BYTES + 1, "00" * 32))
        assert await notes.comments(ELSEWHERE, one) == ()

    run(database_url, work)


def test_a_snoozed_kind_opens_quiet_incidents_until_it_wakes(database_url: str) -> None:
    async def work(database: Database) -> None:
        notes, desk = Notes(database), desk_over(database, camera(1), camera(2))
        quiet = Snooze("snz_1", "illegal_parking", "33.74", NOW_S + 60, "usr_1", "pawai", camera_id="K1")
        await notes.snooze(CITY, quiet)
        with pytest.raises(NotFound):
            await notes.snooze(ELSEWHERE, quiet)
        taken = await desk.take("s1", 1, [event(1), event(2, "K2")], NOW_S)
        rows = [await Incidents(database).get(CITY, id_) for id_ in taken.opened]
        assert sorted(row.snoozed_until_s or 0.0 for row in rows if row) == [0.0, NOW_S + 60]
        assert await notes.snoozes(CITY, NOW_S) == (quiet,) and await notes.snoozes(CITY, NOW_S + 61) == ()
        with pytest.raises(NotFound):
            await notes.wake(ELSEWHERE, "snz_1")
        await notes.wake(CITY, "snz_1")
        assert await notes.snoozes(CITY, NOW_S) == ()

    run(database_url, work)


def test_the_hand_over_note_says_what_is_left_and_what_is_late(database_url: str) -> None:
    async def work(database: Database) -> None:
        desk = desk_over(database, camera(1), camera(2))
        await desk.take("s1", 1, [event(1), event(2, "K2", severity="high")], NOW_S)
        note = await hand_over(Incidents(database), CITY, NOW_S, NOW_S + 600)
        assert (note.opened, note.ended, len(note.live)) == (2, 0, 2) and note.live[0].severity == "high"
        assert note.late == (note.live[0].id,) and note.acts == {"opened": 2}
        assert note.busiest is not None and note.busiest.opened == 2
        assert (await hand_over(Incidents(database), ELSEWHERE, NOW_S, NOW_S + 600)).live == ()

    run(database_url, work)


@pytest.mark.parametrize("language", ["id", "en"])
def test_every_kind_has_a_checklist(language: str) -> None:
    for kind in ("call", "camera_down", "something_new"):
        assert checklist(kind, Words(language))  # type: ignore[arg-type]
