"""The tracker's settings: distances in sizes of the object, durations in seconds, so that one set serves every camera and rate."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from sewu.base.settings import Settings


class TrackerSettings(Settings):
    """How `ByteOcTracker` decides.

    The *size* of an object is the square root of its box's area: about 1 m for a person, 2 m for a car seen from the side.
    """

    high_score: float = Field(default=0.5, gt=0, le=1)
    """Detections at least this sure are matched first and can start tracks."""
    low_score: float = Field(default=0.1, ge=0, le=1)
    """Detections below this are ignored; those between low and high only keep tracks alive that nothing better matched."""
    birth_score: float = Field(default=0.6, gt=0, le=1)
    """A track starts on a detection at least this sure."""
    confirm_evidence: float = Field(default=1.3, gt=0, le=100)
    """A track is confirmed, and leaves the tracker, once the scores of its detections add up to this ..."""
    confirm_hits: int = Field(default=2, ge=1, le=100)
    """... in at least so many looks."""
    confirm_age_s: float = Field(default=0.07, ge=0, le=60)
    """... and once it has been seen for so long: at high rates a flicker fills several looks."""
    sparse_s: float = Field(default=0.75, gt=0, le=3600)
    """When looks are at least so far apart, waiting for a second one loses too many: ..."""
    lone_score: float = Field(default=0.7, gt=0, le=1)
    """... a single detection this sure confirms a track then."""
    tentative_misses: int = Field(default=0, ge=0, le=100)
    """An unconfirmed track is dropped after more than so many looks in a row without a detection."""
    lost_s: float = Field(default=2.5, gt=0, le=3600)
    """A confirmed track that is not seen ends after this long, and at least `lost_looks` looks."""
    lost_parked_s: float = Field(default=20.0, gt=0, le=3600)
    """The same for a vehicle that stood still when last seen: what hides it passes, and it is still there."""
    lost_looks: int = Field(default=2, ge=1, le=100)
    """A track never ends before so many looks in a row missed it, however far apart looks are."""
    shown_unseen_s: float = Field(default=0.6, ge=0, le=3600)
    """An unseen track stays in the output, at its predicted place and marked as not seen, for this long."""
    trust_velocity_s: float = Field(default=3.0, gt=0, le=60)
    """A prediction reaches this far ahead; after a longer gap an object is only looked for where it was last seen."""
    min_similarity: float = Field(default=0.2, gt=0, lt=1)
    """Two boxes, both widened by how unsure the prediction is, must overlap by this IoU to be one object."""
    min_low_similarity: float = Field(default=0.4, gt=0, lt=1)
    """The same for detections of low score; not below `min_similarity`."""
    low_recent_s: float = Field(default=0.3, ge=0, le=60)
    """Detections of low score only continue tracks seen within this time or in the look before."""
    min_recover_iou: float = Field(default=0.3, gt=0, lt=1)
    """A track that no prediction matched is taken up again where it was last seen at this IoU."""
    direction_weight: float = Field(default=0.1, ge=0, le=2)
    """How much keeping one's direction counts beside overlap (observation-centric momentum)."""
    reach_sizes: float = Field(default=0.15, gt=0, le=20)
    """Boxes are widened by at most so many sizes on each side, however unsure the prediction is, ..."""
    reach_sizes_s: float = Field(default=2.0, ge=0, le=50)
    """... plus so many for each second between looks, ..."""
    max_reach_sizes: float = Field(default=3.0, gt=0, le=20)
    """... and never by more than this."""
    part_share: float = Field(default=0.7, gt=0, le=1)
    """A detection with this share inside a detection that a confirmed track claimed starts no track: it is a part of it."""
    duplicate_iou: float = Field(default=0.8, gt=0, le=1)
    """Two boxes of one look that overlap by this IoU and could be of one class are one object."""
    measure_sizes: float = Field(default=0.12, gt=0, le=1)
    """Standard deviation of a detection's edges, in sizes."""
    wander_sizes: float = Field(default=0.9, gt=0, le=20)
    """How fast velocity wanders: its standard deviation after one second, in sizes per second."""
    grow_sizes: float = Field(default=0.1, gt=0, le=20)
    """The same for the growth of width and height."""
    walker_speed_sizes: float = Field(default=1.2, gt=0, le=50)
    """Usual speed of a person or unnamed object, sizes per second: how far a new track may be off at the second look."""
    vehicle_speed_sizes: float = Field(default=3.0, gt=0, le=50)
    """Usual speed of a vehicle, sizes per second."""
    restart_gap_s: float = Field(default=300.0, gt=0, le=86400)
    """When the time jumps further ahead than this, every track ends and following starts anew."""
    jitter_s: float = Field(default=1.0, ge=0, le=60)
    """A step back in time of at most this is taken as no time passed; a larger one ends every track."""
    max_tracks: int = Field(default=3000, ge=1, le=100_000)
    """No more objects than this are followed at once; further ones are counted as refused."""

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.min_low_similarity < self.min_similarity:
            raise ValueError("min_low_similarity must not be below min_similarity")
        if not self.low_score <= self.high_score <= self.birth_score:
            raise ValueError("low_score, high_score and birth_score must not fall in this order")
        return self
