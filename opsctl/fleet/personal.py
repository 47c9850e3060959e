"""What names persons of a customer besides its profile: texts beside the evidence, and notice drafts on this machine.

A text is stored before the entry that names it, so one whose writer was killed is named by none: texts are found by
their chain, never by what entries mention. Ledger: `customer.drafts-erasing`, before the folder goes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.durable import sync_folder
from opsctl.core.errors import OperationFailed
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.ledger import Lease

DRAFTS_ERASING = "customer.drafts-erasing"


def drafts_of(workplace: Workplace, customer: str) -> Path | None:
    """The folder with the customer's drafts and kept mails; None when there is none. One that cannot be seen is there.
    """
    folder = workplace.drafts / customer
    try:
        folder.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return folder
    return folder


def remains(workplace: Workplace, customer: str) -> str:
    """What is there still, for people; "" when nothing is."""
    texts, folder = len(workplace.ledger.personal_of(customer)), drafts_of(workplace, customer)
    return " and ".join([*([f"{texts} {'text' if texts == 1 else 'texts'} with names or addresses"] if texts else []),
                         *([f"the drafts in {folder}"] if folder else [])])


def erase_texts(workplace: Workplace, customer: str, reason: str) -> int:
    """Erase every text of the customer's chain; returns how many."""
    found = workplace.ledger.personal_of(customer)
    for reference in found:
        workplace.ledger.erase_personal(reference, reason, workplace.actor)
    return len(found)


def erase_drafts(workplace: Workplace, customer: str, lease: Lease) -> int:
    """Erase the customer's folder of drafts; returns how many files. OperationFailed when it cannot be erased."""
    folder = drafts_of(workplace, customer)
    if folder is None:
        return 0
    if folder.is_symlink():
        raise OperationFailed(f"{folder} is a link", "erase by hand what it leads to, and then the link")
    try:
        files = sum(len(names) for _, _, names in os.walk(folder, onerror=_raise))
        workplace.ledger.append(customer, DRAFTS_ERASING, {"files": files}, actor=workplace.actor, lease=lease)
        shutil.rmtree(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise OperationFailed(f"the drafts in {error.filename or folder} cannot be erased: {error.strerror}",
                              "run it as the user who drafts, or erase the folder by hand and run it again") from None
    return files


def _raise(error: OSError) -> None:
    raise error
