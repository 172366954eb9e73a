"""What is remembered of a server that refused."""

from asking import FakeClock

from swarm.backends.available import Availability


def test_a_server_is_worth_asking_until_it_refuses() -> None:
    assert Availability(clock=FakeClock()).wait_s == 0.0


def test_a_refusal_is_believed_for_half_a_minute() -> None:
    clock = FakeClock()
    server = Availability(clock=clock)
    server.refused()
    assert server.wait_s == 30.0
    clock.now_s += 29.0
    assert server.wait_s == 1.0
    clock.now_s += 5.0
    assert server.wait_s == 0.0


def test_another_refusal_begins_the_time_anew() -> None:
    clock = FakeClock()
    server = Availability(clock=clock, memory_s=10.0)
    server.refused()
    clock.now_s += 9.0
    server.refused()
    assert server.wait_s == 10.0


def test_an_answer_ends_the_doubt() -> None:
    server = Availability(clock=FakeClock())
    server.refused()
    server.answered()
    assert server.wait_s == 0.0
