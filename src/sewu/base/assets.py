"""Who must show a camera to the city, and what the cameras hang on: the obligation register and the network.

Semarang's Mayor's Regulation 5/2019 obliges owners of certain buildings and towers to point a camera at a named risk and to
let the city see it. The register says who must, which camera proves it, and which letters are due.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from sewu.base.records import Place

Subject = Literal["building", "tower"]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
ObligationStatus = Literal["open", "asked", "connected", "approved", "refused", "exempt"]
"""open: nobody has written yet. connected: a camera is named. approved: somebody saw that its view shows the risk."""
OBLIGATION_STATUSES: tuple[ObligationStatus, ...] = get_args(ObligationStatus)
SETTLED: tuple[ObligationStatus, ...] = ("approved", "exempt")
"""No letter is due any more."""
AssetKind = Literal["uplink", "switch", "wifi_point"]
ASSET_KINDS: tuple[AssetKind, ...] = get_args(AssetKind)


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to the owner. `kind`: "request", "reminder", "warning" and the like. Dates as "2026-11-24"."""

    kind: str
    due_on: str
    sent_on: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Obligation:
    """One building or tower whose owner must show a risk.

    Args:
        id: "obl_...". risk: what the camera must show, in words. camera_id: the camera that proves it.
        view_approved_by, view_approved_at_s: who saw that its view shows the risk, and when.
        version, changed_at_s: as stored; ignored when written.
    """

    id: str
    subject: Subject
    name: str
    owner: str
    area_code: str
    risk: str
    status: ObligationStatus = "open"
    address: str | None = None
    place: Place | None = None
    camera_id: str | None = None
    view_approved_by: str | None = None
    view_approved_at_s: float | None = None
    letters: tuple[Letter, ...] = ()
    note: str | None = None
    version: int = 1
    changed_at_s: float = 0.0

    @property
    def next_letter_on(self) -> str | None:
        """The earliest date on which an unsent letter is due; None when nothing is."""
        if self.status in SETTLED:
            return None
        return min((letter.due_on for letter in self.letters if letter.sent_on is None), default=None)


@dataclass(frozen=True, slots=True)
class NetworkAsset:
    """A part of the network that cameras depend on.

    Args:
        id: "net_...". parent_id: the part that this one depends on (a Wi-Fi point on its uplink); None for the top.
        provider: who runs it. version, changed_at_s: as stored; ignored when written.
    """

    id: str
    kind: AssetKind
    name: str
    area_code: str
    parent_id: str | None = None
    provider: str | None = None
    place: Place | None = None
    version: int = 1
    changed_at_s: float = 0.0
