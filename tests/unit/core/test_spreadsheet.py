"""No cell that is written is a formula, wherever a table is written; and reading it gives back what was there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.spreadsheet import plain, safe
from opsctl.notices.coverage import Row, table_text
from opsctl.promises.model import Word
from opsctl.report.service import formats
from opsctl.report.service.model import Report, Section
from opsctl.report.service.model import Row as ReportRow

SIGNS = ("=", "+", "-", "@", "\t", "\r")


@given(st.text(max_size=9) | st.sampled_from(SIGNS).flatmap(lambda sign: st.text(max_size=9).map(sign.__add__)))
def test_no_cell_is_a_formula_and_it_comes_back(text: str) -> None:
    assert not safe(text).startswith(SIGNS)
    if not text.startswith("'"):
        assert plain(safe(text)) == text


@pytest.mark.parametrize("sign", SIGNS)
def test_every_table_is_guarded_against_every_sign(sign: str) -> None:
    assert f"'{sign}cmd" in table_text([Row("sample-aalund", "kamstrup", "6.0.0", "no", f"{sign}cmd")])
    section = Section(1, "s", "S", (), ("What",), (ReportRow((f"{sign}cmd", f"{sign}x"), word=Word.KEPT),))
    report = Report("sample-aalund", "Aalund", "2026-10", "hosted by Kamstrup", "Europe/Copenhagen", as_of="no entry",
                    headline="", sections=(section,), provisional="", sample=True, language="en", counts={})
    written = formats.table(report)
    assert f"'{sign}cmd" in written and f"'{sign}x" in written
