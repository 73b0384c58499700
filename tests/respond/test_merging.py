"""How a stream of events is cut into batches, and in what order cameras speak, must not decide what belongs together."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sewu.base.incidents import CameraFacts, Incident, agency_for
from sewu.base.records import SEVERITIES, Event
from sewu.base.space import distance_m
from sewu.respond.merging import Draft, Merger
from sewu.respond.policy import DeskSettings
from tests.respond.desks import NOW_S, camera, event

SETTINGS = DeskSettings()
KINDS = ("illegal_parking", "gathering", "standing_water", "queue")
STREET = {f"K{number}": camera(number, east_m=70.0 * number) for number in range(8)}

arrivals = st.lists(
    st.builds(
        lambda number, kind, after_s, zone, severity, agency: event(
            0,
            f"K{number}",
            after_s,
            kind=kind,
            zone_id=zone,
            severity=severity,
            labels={} if agency is None else {"agency": agency},
        ),
        st.integers(0, 7),
        st.sampled_from(KINDS),
        st.floats(0, 4 * 3600).map(round),
        st.sampled_from(["z1", "z2", None]),
        st.sampled_from(SEVERITIES),
        st.sampled_from([None, "police"]),
    ),
    min_size=1,
    max_size=25,
).map(lambda rows: [replace(row, id=f"ev-{index}") for index, row in enumerate(sorted(rows, key=lambda e: e.started_at_s))])


def worked(batches: list[list[Event]]) -> tuple[dict[str, str], dict[str, Incident]]:
    """Event id -> incident id, and the incidents, after these batches; each batch by a merger of its own, as after a restart."""
    home: dict[str, str] = {}
    drafts: dict[str, Draft] = {}
    for batch in batches:
        loaded = [Draft(d.incident, set(d.camera_ids)) for d in drafts.values()]
        merger = Merger(SETTINGS, NOW_S, loaded)
        for one in batch:
            draft = merger.place(one, STREET[one.camera_id], "title")
            draft.note(one, None, NOW_S)
            draft.weigh(one.severity, SETTINGS, NOW_S)
            assert one.id not in home
            home[one.id] = draft.incident.id
        drafts = merger.drafts
    return home, {id_: draft.incident for id_, draft in drafts.items()}


def partition(home: dict[str, str]) -> set[frozenset[str]]:
    return {frozenset(event_id for event_id, there in home.items() if there == incident_id) for incident_id in home.values()}


@given(arrivals, st.sets(st.integers(1, 24)))
def test_where_the_batches_are_cut_does_not_decide_what_belongs_together(events: list[Event], cuts: set[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    one_by_one, _ = worked([[one] for one in events])
    in_batches, _ = worked([events[start:end] for start, end in pairwise(edges)])
    assert partition(one_by_one) == partition(in_batches)


@given(arrivals)
def test_an_incident_holds_one_kind_of_one_agency_at_one_place(events: list[Event]) -> None:
    home, incidents = worked([events])
    by_id = {one.id: one for one in events}
    for incident in incidents.values():
        members = [by_id[id_] for id_, there in home.items() if there == incident.id]
        assert {one.kind for one in members} == {incident.kind}
        assert {agency_for(one.kind, one.labels.get("agency")) for one in members} == {incident.agency}
        assert incident.event_count == incident.going_on == len(members)
        assert incident.camera_count == len({one.camera_id for one in members})
        gravest = max(SEVERITIES.index(one.severity) for one in members)
        assert gravest <= SEVERITIES.index(incident.severity) <= gravest + 1
        assert _is_near(incident, [STREET[one.camera_id] for one in members])
        assert incident.began_at_s == min(one.started_at_s for one in members)


def _is_near(incident: Incident, cameras: list[CameraFacts]) -> bool:
    radius_m = SETTINGS.policy(incident.kind).radius_m
    if radius_m == 0:
        return len({facts.id for facts in cameras}) == 1
    assert incident.place is not None
    return all(facts.place is not None and distance_m(incident.place, facts.place) <= radius_m for facts in cameras)


@given(arrivals, st.sampled_from(["resolved", "closed", "false_alarm"]))
def test_what_a_person_ended_is_not_joined_again(events: list[Event], state: str) -> None:
    _, incidents = worked([events])
    ended = [Draft(replace(incident, state=state), {one.camera_id for one in events}) for incident in incidents.values()]  # type: ignore[arg-type]
    merger = Merger(SETTINGS, NOW_S + 1, ended)
    for one in events:
        assert merger.place(one, STREET[one.camera_id], "title").incident.id not in incidents


def test_events_hours_apart_are_two_incidents_and_one_that_goes_on_is_one() -> None:
    start = event(1, kind="gathering")
    home, incidents = worked([[start], [event(2, after_s=3600.0, kind="gathering")]])
    assert len(set(home.values())) == 1  # the first goes on
    (only,) = incidents.values()
    over = replace(only, going_on=0, last_event_at_s=NOW_S)
    merger = Merger(SETTINGS, NOW_S, [Draft(over, {"K1"})])
    assert merger.place(event(3, after_s=899.0, kind="gathering"), STREET["K1"], "t").incident.id == over.id
    assert merger.place(event(4, after_s=901.0, kind="gathering"), STREET["K1"], "t").incident.id != over.id
