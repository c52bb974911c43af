"""What the README shows does run."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from keras_ssl.cli.main import app

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_its_commands_are_those_of_the_command_line():
    shown = set(re.findall(r"^keras-ssl (\w+)", README, flags=re.MULTILINE))
    assert shown
    assert shown <= set(get_command(app).commands)


def test_its_pictures_and_links_are_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (Path(__file__).parent.parent / target).exists(), target


@pytest.mark.gate
def test_its_program_runs(tmp_path, monkeypatch, capsys):
    (program,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    shorter = re.sub(r"epochs=\d+", "epochs=1", program)
    assert shorter != program
    monkeypatch.chdir(tmp_path)
    exec(compile(shorter, "README.md", "exec"), {})
    assert (tmp_path / "encoder.keras").is_file()
    assert "max_difference" in capsys.readouterr().out
