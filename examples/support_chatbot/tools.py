"""What the support graph may look up and do in the shop.

The sample shop lives in memory: every process reads `orders.sql` afresh, and nothing is written to disk.
For your own shop, keep the functions and their types, and change what `SHOP` opens.
"""

import asyncio
import atexit
import re
import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from swarm import tool

TODAY = date(2026, 3, 5)  # the day the sample orders were written; a real shop asks date.today()
RETURN_DAYS = 30  # as promised in policies/returns.md
# "order 9999", "#9999", or any four digits that begin with 1, as all our numbers do, and are no measure.
NUMBER = re.compile(
    r"(?:\border\b\D{0,8}|#)(\d{4})\b|\b(1\d{3})\b(?!\s*(?:k?g|k?m|m[lm]|lm|lumens?|eur|mah)\b)",
    re.IGNORECASE,
)
NUMBER_ONLY = re.compile(r"\D{0,20}\d{4}\W*")  # "1042", "it is #1042."

# Tools may be called from several threads. Each of our statements is a transaction of its own.
SHOP = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
SHOP.row_factory = sqlite3.Row
SHOP.executescript(Path(__file__).with_name("orders.sql").read_text(encoding="utf-8"))
atexit.register(SHOP.close)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the customer asks, complete enough to be understood alone."""

    text: str


@dataclass(frozen=True, kw_only=True)
class OrderNumber:
    """The order a message is about, if it names one."""

    id: str | None


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order as a customer may see it. The e-mail address stays in the database."""

    id: str
    items: str
    status: str
    carrier: str
    returnable: bool
    summary: str


@dataclass(frozen=True, kw_only=True)
class Return:
    """A return that was started."""

    id: str
    order_id: str
    summary: str


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A question that waits for a person."""

    id: str


@tool(effect="pure")
def whole_question(message: str, history: list[dict[str, str]] | None = None) -> Question:
    """Put the customer's last question in front of a message that is only an order number."""
    asked = [turn["content"] for turn in history or [] if turn["role"] == "user"]
    if asked and NUMBER_ONLY.fullmatch(message):
        return Question(text=f"{asked[-1]} Order {message}")
    return Question(text=message)


@tool(effect="pure")
def find_order_number(message: str, given: str | None = None) -> OrderNumber:
    """Find the order number: the given one, else one written in the message."""
    if given and given.strip():
        return OrderNumber(id=given.strip().lstrip("#"))
    found = NUMBER.search(message)
    return OrderNumber(id=found[1] or found[2] if found else None)


@tool(effect="pure")
async def lookup_order(order_id: str) -> Order | None:
    """Find an order by its number. None if there is no such order."""
    return await asyncio.to_thread(_order, order_id)


@tool(effect="unsafe")
def start_return(order_id: str) -> Return:
    """Start the return of a delivered order. A second call gives the same return."""
    order = _order(order_id)
    if order is None or not order.returnable:
        raise ValueError(f"order {order_id!r} cannot be returned")
    SHOP.execute("INSERT OR IGNORE INTO returns VALUES (?, ?)", (order_id, TODAY.isoformat()))
    summary = (
        f"I have started a return for order {order_id} ({order.items}): a label is on its way by e-mail."
    )
    return Return(id=f"R-{order_id}", order_id=order_id, summary=summary)


@tool(effect="unsafe")
def open_ticket(message: str, guess: str | None = None, draft: str | None = None) -> Ticket:
    """Leave a message for a person, with our best guess and what we would have answered."""
    insert = "INSERT INTO tickets (message, guess, draft) VALUES (?, ?, ?)"
    return Ticket(id=f"T-{SHOP.execute(insert, (message[:2000], guess, draft)).lastrowid}")


def _order(order_id: str) -> Order | None:
    row = SHOP.execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        return None
    return Order(
        id=row["id"],
        items=row["items"],
        status=row["status"],
        carrier=row["carrier"],
        returnable=row["status"] == "delivered" and _last_return_day(row) >= TODAY,
        summary=f"Order {row['id']} ({row['items']}) {_progress(row)}",
    )


def _progress(row: sqlite3.Row) -> str:
    """Say in one sentence how far an order is."""
    shipped, due, done = (_day(row[name]) for name in ("shipped_on", "due_on", "closed_on"))
    carrier = row["carrier"]
    match row["status"]:
        case "packing":
            return (
                f"is being packed: it leaves us on {shipped} with {carrier} "
                "and can still be cancelled in your account under Orders."
            )
        case "shipped":
            return f"has been shipped: it left us on {shipped} with {carrier} and should arrive on {due}."
        case "delayed":
            return f"is delayed: it left us on {shipped} with {carrier} and should now arrive on {due}."
        case "delivered":
            last = _last_return_day(row)
            can = "can be" if last >= TODAY else "could be"
            return f"was delivered by {carrier} on {done} and {can} returned until {_day(last.isoformat())}."
        case "refunded":
            return f"came back to us, and {row['total_eur']} EUR were refunded on {done}."
        case _:
            return f"was cancelled on {done}, and nothing was charged."


def _last_return_day(row: sqlite3.Row) -> date:
    return date.fromisoformat(row["closed_on"]) + timedelta(days=RETURN_DAYS)


def _day(iso: str | None) -> str:
    if iso is None:
        return "a day not known yet"
    day = date.fromisoformat(iso)
    return f"{day.day} {day:%B}"
