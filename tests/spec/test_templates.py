"""Templates at their limits: whatever they say and are given, it is the template's error and not a crash."""

from typing import Any

import pytest

from swarm import Swarm
from swarm.spec.load import load_text
from swarm.spec.template import TemplateError, parse_template


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ input.x | length }}", 5),
        ("{% if input.x > 3 %}more{% endif %}", "text"),
        ("{% if input.x > 3 %}more{% endif %}", None),
        ("{% for one in input.x %}{{ one }}{% endfor %}", 5),
        ("{{ input.x | first }}", 5),
    ],
)
async def test_a_value_that_a_template_cannot_use_so_fails_the_node_and_says_why(
    template: str, value: Any
) -> None:
    spec = load_text(f"name: g\ninput: {{x: any}}\nnodes:\n  a: {{reply: '{template}'}}\noutput: a\n").spec
    assert spec is not None
    async with Swarm(spec) as swarm:
        result = await swarm.run(x=value)
    assert result.error is not None
    assert (result.error.code, result.error_node) == ("error", "a")
    assert "the template could not be filled" in result.error.what
    assert result.error.hint


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 3_000 + "x" + ")" * 3_000 + " }}",
        "{% if x %}" * 2_000 + "{% endif %}" * 2_000,
        "{% if x %}" * 120 + "{% endif %}" * 120,
    ],
    ids=["brackets", "blocks", "indents"],
)
def test_a_template_that_nests_too_deep_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        parse_template(text)
