"""Both languages are complete."""

from __future__ import annotations

import string

from sewu.base.words import Words, choose_language


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_indonesian_and_english_have_the_same_keys_and_placeholders() -> None:
    indonesian, english = Words("id").texts, Words("en").texts
    assert indonesian.keys() == english.keys()
    assert [key for key in english if placeholders(english[key]) != placeholders(indonesian[key])] == []


def test_a_language_tag_is_understood() -> None:
    assert choose_language("id_ID.UTF-8") == "id"
    assert choose_language("en_GB") == "en"
    assert choose_language("C.UTF-8") == "en"
    assert choose_language(None) == "en"
