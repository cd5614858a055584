"""What a person may have: rules, the account register they bind into, and the reasons for every yes and no.

Pure: text and facts in, values out. It reads no file, asks no clock and stores nothing; `rulebook` does that. It
knows nothing of how people sign in or of how AWS is asked.
"""

from federation_bridge.mapping.administration import AdministrativeRights, AdministrativeRole, Appointment
from federation_bridge.mapping.authors import foreign_changes
from federation_bridge.mapping.changes import changed_rules
from federation_bridge.mapping.explanation import Explanation, RuleOutcome
from federation_bridge.mapping.foreign_text import Written, foreign_text
from federation_bridge.mapping.language import CONDITIONS
from federation_bridge.mapping.register import Register, RegisterRead, load_register, read_register
from federation_bridge.mapping.register_schema import register_schema
from federation_bridge.mapping.rule import Rule
from federation_bridge.mapping.rules import RuleSet, load_rules
from federation_bridge.mapping.schema import rules_schema
from federation_bridge.mapping.second_person import Marks, reasons_to_wait

__all__ = [
    "CONDITIONS",
    "AdministrativeRights",
    "AdministrativeRole",
    "Appointment",
    "Explanation",
    "Marks",
    "Register",
    "RegisterRead",
    "Rule",
    "RuleOutcome",
    "RuleSet",
    "Written",
    "changed_rules",
    "foreign_changes",
    "foreign_text",
    "load_register",
    "load_rules",
    "read_register",
    "reasons_to_wait",
    "register_schema",
    "rules_schema",
]
