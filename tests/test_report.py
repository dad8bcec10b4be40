"""Measured numbers stand in results/, and the texts say what stands there."""

from __future__ import annotations

import json
import re

import pytest
from notebook_runs import ROOT

from dmic.lab import report

ANYWHERE = (
    r"mean ± standard deviation",
    r"95 %",
    r"5 % outliers",
)  # what ± means; settings, not measurements
GUARDED = {
    "README.md": (r"4 GB of memory", r"9 GB of disk"),  # what a user needs
    "RESULTS.md": (),
    "CHANGELOG.md": (),
    "notebooks/README.md": (r"\d+ \+ \d+ min(?:utes)?",),  # estimates; test_notebooks.py adds them up
    "data_scripts/README.md": (
        r"60–100 % of the\scameras",  # a knob's default
        r"44,745 images would take 5\.57 GB",  # bytes of a pixel times pixels, here and in the next line
        r"5\.6 GB for\s+SYSU-MM01, 1\.0 GB for RegDB, 5\.8 GB for LLCM",
    ),
    "data_scripts/synthvi/CARD.md": (),
}
"""Texts that hold no measured number of their own -> numbers in them that nobody measured, as regular expressions."""

MARK = re.compile(r"<!-- fill: .*?<!-- end -->", re.DOTALL)
UNITS = r"s|ms|min|minutes?|hours?|images/s|GiB|GB|MiB|%|points?"
MEASURED = re.compile(rf"±|(?<![\w.,])\d[\d.,]*[ -]?(?:{UNITS})(?![\w/])|(?:Rank-1|mAP) \d[\d.]*")
PROVENANCE = {
    "command": "make train",
    "commit": None,
    "date": "2026-11-23",
    "machine": "laptop",
    "seeds": [0, 1],
}


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def measured_outside_marks(name, content):
    """Numbers with a unit, spreads and scores that somebody typed."""
    for phrase in (MARK.pattern, *ANYWHERE, *GUARDED[name]):
        content = re.sub(phrase, "", content, flags=re.DOTALL)
    return MEASURED.findall(content)


def results(folder, **files):
    """Load results files that hold what the keywords say."""
    files = {"machines": {"laptop": "2 cores, no GPU"}, **files}
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return report.load(folder)


def measurement(tables=None, **numbers):
    return {"measured": {"one": {**PROVENANCE, "numbers": numbers}}, "tables": tables or {}}


def run(arm, seed, rank1):
    """A run as a study writes it, as far as the report reads it."""
    joint = {"clusters": 100 * rank1, "cross_modality_recall": rank1 / 100}
    labels = {"joint": joint, "visible": {"cross_modality_recall": None}}
    return {
        "arm": arm,
        "seed": seed,
        "test": {"final": {"rank1": rank1, "mAP": 2 * rank1}},
        "last_epoch": labels,
        "equal_outliers": labels,
        "seconds": 60.0,
    }


# The texts --------------------------------------------------------------------------------------------------------


def test_the_texts_say_what_the_results_say(capsys):
    assert report.main(["--check"]) == 0, capsys.readouterr()


@pytest.mark.parametrize("name", GUARDED)
def test_no_measured_number_stands_outside_marks(name):
    assert measured_outside_marks(name, text(name)) == []


@pytest.mark.parametrize(
    "typed",
    [
        "in 17.5 s",
        "5 to 21 minutes",
        "59.6 ± 5.9",
        "34 %.",
        "Rank-1 59.6",
        "3.2 points",
        "1,561 images/s",
        "a 12-minute test",
        "7.9 GB,",
    ],
)
def test_a_measured_number_outside_marks_is_seen(typed):
    content = text("RESULTS.md")
    assert len(measured_outside_marks("RESULTS.md", f"{content}\nIt took {typed} here.")) == 1
    assert not measured_outside_marks("RESULTS.md", f"{content} <!-- fill: {{a.b}} -->{typed}<!-- end -->")


def test_a_number_changed_by_hand_is_noticed():
    content, found = text("RESULTS.md"), report.load()
    assert report.fill(content, found) == content
    mark = next(mark for mark in MARK.finditer(content) if re.search(r"\d", mark[0].partition("-->")[2]))
    before = mark[0].partition("-->")[2]
    digit = mark.end() - len(before) + re.search(r"\d", before).start()
    changed = content[:digit] + str((int(content[digit]) + 1) % 10) + content[digit + 1 :]
    assert changed != content and report.fill(changed, found) == content


@pytest.mark.parametrize("name", [name for name in report.TEXTS if name.endswith(".md")])
def test_no_line_begins_with_a_mark_inside_a_sentence(name):
    """Markdown takes such a line for HTML: the sentence would be torn, and its **bold** printed with stars."""
    assert not re.findall(r"^ {0,3}<!-- fill: [^>]*\{.*", text(name), flags=re.MULTILINE)


# Formats, by hand -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("{a.spread:.1f}", "59.6 ± 5.9"),
        ("{a.spread.mean:.0f} and {a.spread.std:.2f}", "60 and 5.92"),
        ("{a.once:.1f}", "7.5"),  # one seed: no spread
        ("{a.seeds:.1f}", "59.1 / 65.7 / 54.0"),
        ("{a.seeds:range .0f}", "54 to 66"),
        ("{a.seeds[1]:.1f}", "65.7"),
        ("{a.long:clock} or {a.short:clock}", "5 min 29 s or 42 s"),
        ("{a.images:,.0f} images, {a.below:.1f}", "5,861 images, −2.1"),
        ("{a.zero:.1f} and {a.zero:.2f}", "0.0 and −0.04"),
        ("{a.deep.er}", "0.25"),
        ("{a.one_two_three.interval:.2f}", "2.00 (−0.48 to 4.48)"),  # 2 ± 4.303 · 1 / √3
        ("{a.difference:.0f}, {a.difference.interval.mean:.1f}", "1 / 0 / 2, 1.0"),
    ],
)
def test_formats(what, shown, tmp_path):
    numbers = {
        "spread": {"mean": 59.6, "std": 5.92},
        "once": {"mean": 7.5, "std": None},
        "seeds": [59.1, 65.7, 54.0],
        "long": 329,
        "short": 41.6,
        "images": 5861,
        "below": -2.1,
        "zero": -0.04,
        "deep": {"er": 0.25},
        "one_two_three": [1, 2, 3],
        "ones": [0, 2, 1],
        "difference": {"minus": ["one_two_three", "ones"]},
    }
    found = results(tmp_path, a=measurement(**numbers))
    assert report.fill(f"x <!-- fill: {what} -->old<!-- end --> y", found) == (
        f"x <!-- fill: {what} -->{shown}<!-- end --> y"
    )


def test_a_table_and_where_it_comes_from(tmp_path):
    table = {"head": ["", "s"], "rows": [["fast", "**{fast:.1f}**"], ["slow", "{slow:clock}"]]}
    found = results(tmp_path, a=measurement({"times": table}, fast=1.25, slow=61))
    filled = report.fill("<!-- fill: a.times --><!-- end -->\n<!-- fill: a made -->old<!-- end -->", found)
    assert filled == (
        "<!-- fill: a.times -->\n| | s |\n| --- | --- |\n| fast | **1.2** |\n| slow | 1 min 1 s |\n<!-- end -->\n"
        "<!-- fill: a made -->\n* one: `make train`; **commit not recorded**; 2026-11-23; 2 cores, no GPU; seeds 0, 1\n<!-- end -->"
    )
    assert report.fill(filled, found) == filled


def test_a_study_is_compared_seed_by_seed(tmp_path):
    runs = [run("dmic", s, r) for s, r in ((0, 21), (1, 24), (2, 27))]
    runs += [
        run("vanilla", s, r) for s, r in ((2, 24), (0, 20), (1, 22))
    ]  # differences 1, 2, 3, in another order
    study = {
        "runs": runs,
        "seeds": [0, 1, 2],
        "made": {**PROVENANCE, "commit": "0123456789", "seeds": [0, 1, 2]},
    }
    found = results(tmp_path, a=study)["a"]
    assert f"{found.dmic.test.final.rank1:.1f}" == "24.0 ± 3.0"
    assert f"{found.paired.dmic.vanilla.test.final.rank1:.2f}" == "2.00 (−0.48 to 4.48)"
    assert (
        found.tables["arms"].splitlines()[3]
        == "| vanilla | 22.0 ± 2.0 | 44.0 ± 4.0 | 2200 ± 200 | 0.22 ± 0.02 |"
    )
    assert (
        found.tables["paired"]
        .splitlines()[2]
        .startswith("| dmic − vanilla | 2.0 (−0.5 to 4.5) | 4.0 (−1.0 to 9.0) |")
    )
    assert "; commit `0123456`; " in found.made


def test_an_arm_with_fewer_seeds_says_so_and_has_its_own_interval(tmp_path):
    runs = [run("dmic", s, r) for s, r in ((0, 21), (1, 24), (2, 27))]
    runs += [run("mie", 0, 18), run("mie", 1, 19)]
    study = {"runs": runs, "seeds": [0, 1, 2], "made": PROVENANCE}
    found = results(tmp_path, a=study)["a"]
    assert f"{found.mie.test.final.rank1.interval:.1f}" == "18.5 (12.1 to 24.9)"  # 12.706 · 0.7071 / √2
    assert found.tables["arms"].splitlines()[3].startswith("| mie (2 seeds) | 18.5 ± 0.7 |")
    assert "dmic − mie (2 seeds)" in found.tables["paired"]


def test_what_is_not_defined_is_not_a_number(tmp_path):
    runs = [run("dmic", s, 20) for s in (0, 1)]
    runs[1]["test"]["final"]["mAP"] = None
    found = results(tmp_path, a={"runs": runs, "seeds": [0, 1], "made": PROVENANCE})["a"]
    assert found.tables["arms"].splitlines()[2].startswith("| dmic | 20.0 ± 0.0 | not defined |")


@pytest.mark.parametrize("spread", [{"mean": 1, "std": None}, {"mean": 1, "std": 2}])
def test_an_interval_needs_two_seeds(spread, tmp_path):
    content = measurement(x=spread)
    content["measured"]["one"]["seeds"] = [0]
    with pytest.raises(
        report.ReportError, match="an interval needs the spread of two seeds or more; found 1"
    ):
        report.fill("<!-- fill: {a.x.interval:.1f} --><!-- end -->", results(tmp_path, a=content))


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(report.ReportError, match=r"^b\.json: Expecting"):
        results(tmp_path, a=measurement())


def test_a_table_is_kept_out_of_a_notebook(tmp_path, monkeypatch, capsys):
    (tmp_path / "results").mkdir()
    results(tmp_path / "results", a=measurement({"t": {"head": ["x"], "rows": []}}))
    notebook = tmp_path / "x.ipynb"
    notebook.write_text(before := '{"source": "<!-- fill: a.t --><!-- end -->"}')
    monkeypatch.setattr(report, "project_path", lambda path: tmp_path / path)
    monkeypatch.setattr(report, "TEXTS", ("x.ipynb",))
    assert report.main([]) == 1 and notebook.read_text() == before
    assert "x.ipynb: Invalid control character" in capsys.readouterr().err


# What is wrong is named -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "what", ["{a.nobody:.1f}", "{nobody.fast}", "a.nobody", "nobody.times", "nobody made", "{a.fast:clock!}"]
)
def test_a_mark_that_asks_for_what_is_not_there_is_named(what, tmp_path):
    found = results(tmp_path, a=measurement(fast=1.25))
    with pytest.raises(report.ReportError, match=re.escape(repr(what))):
        report.fill(f"<!-- fill: {what} --><!-- end -->", found)


@pytest.mark.parametrize(
    "torn",
    [
        "<!-- fill: {a.fast} -->1.25",
        "1.25<!-- end -->",
        "<!-- fill: {a.fast} --><!-- fill: {a.fast} --><!-- end -->",
    ],
)
def test_a_mark_without_its_end_is_refused(torn, tmp_path):
    with pytest.raises(report.ReportError, match="without its <!-- end -->"):
        report.fill(torn, results(tmp_path, a=measurement(fast=1.25)))


@pytest.mark.parametrize("key", [*PROVENANCE, "numbers"])
def test_a_measurement_without_provenance_is_refused(key, tmp_path):
    content = measurement(fast=1.25)
    del content["measured"]["one"][key]
    with pytest.raises(report.ReportError, match=rf"a\.json: one lacks {key} \(null where it is not known\)"):
        results(tmp_path, a=content)


def test_a_study_without_provenance_is_refused(tmp_path):
    made = {key: value for key, value in PROVENANCE.items() if key != "commit"}
    with pytest.raises(report.ReportError, match=r"a\.json: made lacks commit"):
        results(tmp_path, a={"runs": [run("dmic", 0, 20)], "seeds": [0], "made": made})


def test_two_measurements_of_one_name_are_refused(tmp_path):
    content = measurement(fast=1.25)
    content["measured"]["two"] = {**PROVENANCE, "numbers": {"fast": 1.5}}
    with pytest.raises(report.ReportError, match=r"a\.json: two: fast is measured twice"):
        results(tmp_path, a=content)


def test_a_machine_that_is_not_listed_is_refused(tmp_path):
    content = measurement(fast=1.25)
    content["measured"]["one"]["machine"] = "desktop"
    with pytest.raises(
        report.ReportError, match=r"a\.json: one: machine 'desktop' is not in machines\.json \(laptop\)"
    ):
        results(tmp_path, a=content)
