"""Who writes: three channels, readable colours."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsctl.core.errors import ConfigurationError
from opsctl.notices.brand import contrast, load
from opsctl.notices.layers import Layers


@pytest.mark.parametrize("channel", ["website", "phone", "email"])
def test_a_brand_without_one_of_the_three_channels_is_invalid(templates: Path, channel: str) -> None:
    path = templates / "notices" / "brand.yml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(f"{channel}:")), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(Layers(path.parent))
    assert f"{channel}: is missing" in caught.value.details[0]


def test_colours_that_cannot_be_read_are_refused(templates: Path) -> None:
    path = templates / "notices" / "brand.yml"
    path.write_text(path.read_text(encoding="utf-8").replace('quiet: "#4c5864"', 'quiet: "#a4b0bb"'), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(Layers(path.parent))
    assert "colours.light" in caught.value.details[0] and "contrast below 4.5" in caught.value.details[0]


def test_contrast_by_the_guideline_s_own_numbers() -> None:
    assert contrast("#000000", "#ffffff") == contrast("#ffffff", "#000000") == 21.0
    # WCAG's technique G18 and its many calculators: #767676 is the lightest grey that passes on white.
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54
    assert contrast("#777777", "#ffffff") < 4.5
