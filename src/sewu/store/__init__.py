"""Memory: observations, events, stills and clips."""

from sewu.store.checkpoints import Checkpoints
from sewu.store.events import EventStore
from sewu.store.files import safe_name, write_whole
from sewu.store.journal import Journal
from sewu.store.observations import ObservationStore, export_parquet, read_observations
from sewu.store.query import Question, Series, series

__all__ = [
    "Checkpoints",
    "EventStore",
    "Journal",
    "ObservationStore",
    "Question",
    "Series",
    "export_parquet",
    "read_observations",
    "safe_name",
    "series",
    "write_whole",
]
