"""Tools of the broken graphs. Read as syntax by the check; nothing here is ever called."""

from typing import TypedDict

from swarm import tool


class Order(TypedDict):
    """An order as it is shown."""

    id: str
    status: str
    items: list[str]


class Number(TypedDict):
    """The order number of a message."""

    id: str | None


@tool(effect="pure")
def find_order_number(message: str, given: str | None = None) -> Number:
    """Find the order number in a message."""
    return {"id": given or message}


@tool(effect="pure")
async def lookup_order(order_id: str) -> Order | None:
    """Find an order by its number."""
    return {"id": order_id, "status": "shipped", "items": []}


@tool
def start_return(order_id: str, reason: str = "") -> Order:
    """Start a return: not to be done twice."""
    return {"id": order_id, "status": reason, "items": []}


@tool(effect="idempotent")
async def set_limit(cents: int, active: bool = True) -> None:
    """Set the spending limit."""
