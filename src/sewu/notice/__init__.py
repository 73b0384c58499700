"""Observation -> Event: rules with hysteresis."""

from sewu.notice.city import CityRules, joined, load_city_rules
from sewu.notice.engine import Losses, Notice, latest
from sewu.notice.rules import Metrics, Rule, RuleSet, check_rules, default_rules, load_rules
from sewu.notice.schedule import Schedule

__all__ = [
    "CityRules",
    "Losses",
    "Metrics",
    "Notice",
    "Rule",
    "RuleSet",
    "Schedule",
    "check_rules",
    "default_rules",
    "joined",
    "latest",
    "load_city_rules",
    "load_rules",
]
