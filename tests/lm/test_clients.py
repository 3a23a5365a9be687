from contextlib import ExitStack

import pytest

from lm.remote.clients import REQUESTS, Clients


class Client:
    closed = False

    async def close(self) -> None:
        self.closed = True


def made_up() -> tuple[Clients[Client], list[Client]]:
    made: list[Client] = []

    def connect(tls: object) -> Client:
        made.append(Client())
        return made[-1]

    return Clients(connect), made


@pytest.mark.parametrize("count", [1, REQUESTS, REQUESTS + 1, 5 * REQUESTS])
def test_no_client_has_more_requests_than_its_share_and_there_are_no_more_than_needed(count: int):
    clients, made = made_up()
    with ExitStack() as under_way:
        given_out = [under_way.enter_context(clients.one()) for _ in range(count)]
        assert max(given_out.count(client) for client in made) <= REQUESTS
    assert len(made) == -(-count // REQUESTS)


def test_a_client_that_is_free_again_is_taken_first():
    clients, made = made_up()
    for _ in range(3 * REQUESTS):
        with clients.one() as client:
            assert client is made[0]
    assert len(made) == 1


async def test_all_are_closed_even_while_one_is_busy_and_new_ones_come_after():
    clients, made = made_up()
    with ExitStack() as under_way:
        for _ in range(REQUESTS + 1):
            under_way.enter_context(clients.one())
        await clients.close()
    assert [client.closed for client in made] == [True, True]
    with clients.one() as client:
        assert not client.closed
