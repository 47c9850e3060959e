"""`opsctl notice preview`: a page on this machine to read drafts and approve them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.emit import note
from opsctl.cli.result import Result
from opsctl.cli.workplace import Customers, select, workplace


def preview(customers: Customers = None,
            key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="Your SSH key, to approve on the "
                                                     "page as `notice approve` does; without, it only shows.")] = None
            ) -> Result:
    """Show drafts on a page of this machine, to read and approve them; Ctrl-C ends it."""
    from opsctl.adapters.loopback import LoopbackSite
    from opsctl.adapters.signatures import fingerprint
    from opsctl.notices.preview.profiles import Profiles
    from opsctl.notices.preview.site import PreviewSite

    mine = (key, fingerprint(key)) if key is not None else None
    for customer, error in select(customers, not customers).broken.items():
        note(f"{customer} is left out until it is mended: {error.message}")
    with workplace(acts=True) as place:
        profiles = Profiles(place.settings.inventories, tuple(dict.fromkeys(customers or ())))
        site = LoopbackSite(PreviewSite(place, profiles, mine))
        site.serve(lambda address: note(f"Open this address; it works once, in one browser on this machine:\n\n"
                                        f"  {address}\n\nCtrl-C ends the preview."))
    return Result({}, "the preview has ended")
