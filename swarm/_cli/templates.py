"""The texts that `swarm init` writes."""

from __future__ import annotations

__all__ = ["BLANK", "GITIGNORE", "SUPPORT_README"]

GITIGNORE = """\
.swarm/runs/
__pycache__/
"""

SUPPORT_README = """\
# A support chatbot

| file | what it is |
|---|---|
| `support.swarm.yaml` | the graph: what is asked, in which case, and what is answered |
| `intents.jsonl` | examples that teach `triage` its labels: one `{"text": ..., "label": ...}` a line |
| `policies/*.md` | documents that answers are taken from |
| `tools.py` | lookups and actions: Python functions marked `@tool` |
| `orders.sql` | the sample shop that `tools.py` reads |

```sh
swarm check support.swarm.yaml
swarm chat support.swarm.yaml
swarm run support.swarm.yaml --input message="where is my parcel? order 1042" --json
swarm graph support.swarm.yaml
```

Start with a `reply` in the graph, a policy, or a line of `intents.jsonl`; then run it again. Nothing has to be built.
"""

_BLANK_GRAPH = """\
# yaml-language-server: $schema=.swarm/schema/graph.json
swarm: 1
name: my_graph
description: Sorts a message, and answers what it is sure of.

input:
  message: string

models:                       # one line moves the graph to another model
  small: ollama/qwen3:4b

tools: tools.py

experts:
  triage:
    use: intent
    labels:
      greeting: Says hello, thanks or goodbye
      question: Wants to know something
    examples: intents.jsonl
    cascade: [embedded/ngram, small]
    confidence: {at_least: 0.6}   # a guess

nodes:
  triage:
    expert: triage
    with: {text: input.message}
  words:
    tool: count_words
    with: {text: input.message}
  hello:
    reply: "Hello! Ask me something."
    when: triage.confident and triage.label == "greeting"
  answer:
    reply: "You asked something in {{ words.count }} words."
    when: triage.confident and triage.label == "question"
  unsure:
    reply: "I am not sure what you mean."
    when: not triage.confident

output: [hello, answer, unsure]
"""

_BLANK_TOOLS = '''\
"""What the graph may look up and do."""

from dataclasses import dataclass

from swarm import tool


@dataclass
class Words:
    """How many words a text has."""

    count: int


@tool(effect="pure")
def count_words(text: str) -> Words:
    """Count the words of a text."""
    return Words(count=len(text.split()))
'''

_GREETINGS = (
    "hello", "hi there", "good morning", "hey", "hello, how are you", "hi", "good evening", "thanks a lot",
    "thank you", "thanks, bye", "goodbye", "see you later", "hi, nice to meet you", "many thanks", "hello again",
    "good afternoon", "bye bye", "have a nice day", "cheers, thanks", "hey, good to see you",
)  # fmt: skip
_QUESTIONS = (
    "what time is it", "how does this work", "where can I find the manual", "why is it so slow", "who wrote this",
    "when are you open", "can I change the colour", "what does it cost", "how long does it take",
    "is there a smaller one", "which one should I choose", "do you have this in blue", "how do I start",
    "what is the difference between the two", "could you tell me the address", "where do I send it",
    "how many are left", "what happens next", "is it free", "why did it stop",
)  # fmt: skip


def _examples() -> str:
    import json

    rows = [(text, "greeting") for text in _GREETINGS] + [(text, "question") for text in _QUESTIONS]
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)


_BLANK_README = """\
# My graph

`my_graph.swarm.yaml` sorts a message by the examples in `intents.jsonl` and answers what it is sure of.

```sh
swarm check my_graph.swarm.yaml
swarm run my_graph.swarm.yaml --input message="how does this work?"
swarm chat my_graph.swarm.yaml
```
"""

BLANK = {
    "my_graph.swarm.yaml": _BLANK_GRAPH,
    "tools.py": _BLANK_TOOLS,
    "intents.jsonl": _examples(),
    ".gitignore": GITIGNORE,
    "README.md": _BLANK_README,
}
