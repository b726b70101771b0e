from pathlib import Path

from tools.shop_secret import FILE, PIZZA_SECRET, kept_secret, with_secret


def test_a_data_folder_keeps_its_secret_from_one_run_to_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = with_secret({"PATH": "/bin"}, folder)
    assert first["PATH"] == "/bin"
    assert len(first[PIZZA_SECRET]) >= 40
    assert with_secret({PIZZA_SECRET: ""}, folder)[PIZZA_SECRET] == first[PIZZA_SECRET]
    assert kept_secret(tmp_path / "other") != first[PIZZA_SECRET]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    kept_secret(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_secret_of_the_environment_is_used_and_not_kept(tmp_path: Path) -> None:
    assert with_secret({PIZZA_SECRET: "mine"}, tmp_path) == {PIZZA_SECRET: "mine"}
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_lost_its_content_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    made = kept_secret(tmp_path)
    assert made
    assert kept_secret(tmp_path) == made
