"""A project works from any working directory: its experts are found beside its graph."""

from pathlib import Path

import pytest

from swarm import Swarm

EXPERT = "name: greeter\nkind: summarize\ndescription: Greets.\ninput: {text: string}\ncascade: [embedded/textrank]\n"
GRAPH = "name: g\ninput: {message: string}\nnodes:\n  a: {expert: greeter, with: {text: input.message}}\noutput: a\n"


@pytest.mark.parametrize("where", [".", "elsewhere"])
async def test_experts_beside_the_graph_are_found_from_any_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    folder = tmp_path / "bot/experts/greeter"
    folder.mkdir(parents=True)
    (folder / "expert.yaml").write_text(EXPERT)
    (tmp_path / "bot/g.swarm.yaml").write_text(GRAPH)
    (tmp_path / "bot/elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "bot" / where)
    async with Swarm.load(tmp_path / "bot/g.swarm.yaml") as swarm:
        result = await swarm.run(message="Good morning to all of you.")
    assert result.text == "Good morning to all of you."
