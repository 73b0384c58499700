"""What people read, in Indonesian and in English.

Texts live in `sewu/locale/<part>.<language>.json`, one flat table of key -> text with `{placeholders}` each. A test
holds both languages to the same keys and placeholders, so a missing translation fails the build.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Literal, get_args

Language = Literal["id", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


def choose_language(wanted: str | None) -> Language:
    """The language of a tag such as "id", "id_ID.UTF-8" or "en-GB"; English for anything else."""
    return "id" if (wanted or "").lower().replace("-", "_").split("_")[0].split(".")[0] in {"id", "in"} else "en"


class Words:
    """The texts of one language. `words("report.title", camera="K1")` -> text; KeyError names an unknown key."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.texts = _texts(language)

    def __call__(self, key: str, /, **values: object) -> str:
        return self.texts[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is a text of this key."""
        return key in self.texts


@cache
def _texts(language: Language) -> dict[str, str]:
    texts: dict[str, str] = {}
    for file in sorted(resources.files("sewu").joinpath("locale").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(f".{language}.json"):
            texts.update(json.loads(file.read_text(encoding="utf-8")))
    return texts
