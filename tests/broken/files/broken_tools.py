from swarm import tool


@tool(effect="pure"
def lookup_order(order_id: str) -> dict:
    return {}
