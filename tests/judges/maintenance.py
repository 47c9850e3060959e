"""What circuit-maintenance-parser reads in mails and calendar files. Standard input: JSON list of paths."""

import json
import sys
from pathlib import Path

from circuit_maintenance_parser import NotificationData, init_provider

found = []
for name in json.load(sys.stdin):
    content = Path(name).read_bytes()
    data = (NotificationData.init_from_email_bytes(content) if name.endswith(".eml")
            else NotificationData.init_from_raw("ical", content))
    notes = init_provider("genericprovider").get_maintenances(data)
    found.append([json.loads(note.to_json()) for note in notes])
json.dump(found, sys.stdout)
