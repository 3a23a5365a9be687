from contextlib import ExitStack

from lm.remote.clients import Clients


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


def test_requests_under_way_share_no_client_and_there_are_no_more_than_needed():
    clients, made = made_up()
    for count in (3, 5, 5, 1):
        with ExitStack() as under_way:
            assert len({id(under_way.enter_context(clients.one())) for _ in range(count)}) == count
    assert len(made) == 5


def test_the_client_that_was_used_last_is_taken_first():
    clients, _ = made_up()
    with clients.one(), clients.one() as second:
        pass
    with clients.one() as first:
        pass
    assert first is not second
    with clients.one() as again:
        assert again is first


async def test_all_are_closed_even_while_one_is_busy_and_new_ones_come_after():
    clients, made = made_up()
    with ExitStack() as under_way:
        for _ in range(2):
            under_way.enter_context(clients.one())
        await clients.close()
    assert [client.closed for client in made] == [True, True]
    with clients.one() as client:
        assert not client.closed
