"""Published numbers: the registry is sound, and each recomputable number is recomputed here."""

from math import exp, sqrt
from pathlib import Path

import pytest
from tpc_lab import comparison, dedup, published

COMPUTED = {
    **{f"fineweb-lsh-{s}": 100 * dedup.caught(s / 100, 14, 8) for s in (70, 75, 80, 85)},
    "miller-items-needed": comparison.items_needed(0.03, 1 / 9),
    "chinchilla-E": exp(0.5267228),
    "chinchilla-A": exp(6.0073404),
    "chinchilla-B": exp(6.0179186),
    "chinchilla-alpha": 0.33917084,
    "chinchilla-beta": 0.2849083,
    "chinchilla-a-approach3": 0.2849083 / (0.33917084 + 0.2849083),
    "epoch-a": 0.3659 / (0.3478 + 0.3659),
}
MISPRINTS = {
    "miller-detectable-one-answer": 100 * comparison.detectable_difference(198, 1 / 9, (1 / 6, 1 / 6)),
    "miller-detectable-ten-answers": 100
    * comparison.detectable_difference(198, 1 / 9, (1 / 6, 1 / 6), (10, 10)),
    "miller-galleon-humaneval-error": 100 * sqrt(0.836 * 0.164 / 164),
    "chinchilla-a3-175b": 6 * 175e9 * 12.0e12,
}
GPT3 = ("small", "medium", "large", "xl", "2-7b", "6-7b", "13b", "175b")


@pytest.mark.parametrize("name", COMPUTED)
def test_recomputed_numbers_round_to_the_printed_digits(name: str) -> None:
    entry = published.get(name)
    assert entry.agrees(COMPUTED[name]), f"{COMPUTED[name]} against {entry.printed} +- {entry.tolerance}"


@pytest.mark.parametrize("name", MISPRINTS)
def test_numbers_that_do_not_reproduce_carry_a_flag(name: str) -> None:
    entry = published.get(name)
    assert not entry.agrees(MISPRINTS[name])
    assert entry.flags


@pytest.mark.parametrize("size", GPT3)
def test_gpt3_compute_is_six_times_parameters_times_tokens(size: str) -> None:
    flops, params = published.get(f"gpt3-{size}-flops"), published.get(f"gpt3-{size}-params")
    assert flops.value == pytest.approx(6 * params.value * 300e9, rel=0.01)


def test_every_entry_names_its_source() -> None:
    for entry in published.every().values():
        assert entry.source
        assert entry.where
        assert entry.ref.startswith(("arXiv:", "doi:", "https://")), entry.id


def test_tolerance_is_half_the_last_printed_digit() -> None:
    assert published.tolerance_of("98.8%", 98.8) == pytest.approx(0.05)
    assert published.tolerance_of("1.5T", 1.5e12) == pytest.approx(0.05e12)
    assert published.tolerance_of("634,773", 634773) == 0.5
    with pytest.raises(ValueError, match="power of ten"):
        published.tolerance_of("98.8%", 97.8)


def test_all_faults_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(
        '[a]\nvalue = 1\n[b]\nvalue=1\nunit=""\nprinted="1"\nsource="s"\nwhere="w"\nref="r"\nstatus="Z"\n'
    )
    with pytest.raises(ValueError, match=r"(?s)\[a\] missing.*\[b\] status 'Z'"):
        published.read(file)


def test_an_unknown_id_names_near_ones() -> None:
    with pytest.raises(KeyError, match="fineweb-lsh-75"):
        published.get("fineweb-lsh-99")


def test_citations_show_source_and_audit_notes() -> None:
    text = published.cite("lee-bands")._repr_markdown_()
    assert "arxiv.org/abs/2107.06499" in text
    assert "20 buckets of 450" in text
