"""A process of refresh_under_load: many threads, one call each, at the same moment; prints how many were answered."""

import sys
import threading

import django


def main(connection_id: int, threads: int, how: str) -> None:
    django.setup()
    from django.db import connections

    from integrations.connections import ConnectedClient, client_for
    from integrations.models import Connection

    connection = Connection.objects.select_related("org").get(pk=connection_id)
    connections.close_all()
    barrier, answers = threading.Barrier(threads + 1), []

    def call() -> None:
        try:
            client = (client_for if how == "lease" else bare_client(ConnectedClient))(connection)
            connections.close_all()
            barrier.wait()
            answers.append(client.organization().name)
        except Exception as error:
            if how == "lease":
                sys.stderr.write(f"{error}\n")
        finally:
            connections.close_all()

    asking = [threading.Thread(target=call) for _ in range(threads)]
    for thread in asking:
        thread.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    barrier.wait()
    for thread in asking:
        thread.join()
    sys.stdout.write(f"{len(answers)}\n")


def bare_client(base: type) -> type:
    """The client as it would be without a lease: who finds the token expired refreshes it."""
    from django.db import connections

    from integrations import client_app, tokens
    from integrations.salesforce import oauth
    from integrations.secrets import Secret

    class BareClient(base):
        def _call(self, name: str, *args: object, **kwargs: object) -> object:
            from integrations.salesforce.errors import SessionExpired

            try:
                return self._attempt(name, *args, **kwargs)
            except SessionExpired:
                row = tokens._read(self.connection.pk)
                refresh_token = tokens.read_refresh_token(row)
                connections.close_all()
                with client_app.open_token_session() as session:
                    grant = oauth.refresh(
                        session, row.login_url, client_app.external_client_app(), refresh_token.reveal()
                    )
                self._token = tokens.Token(0, Secret(grant.access_token), grant.instance_url)
                self._client = self._build()
            return self._attempt(name, *args, **kwargs)

    return BareClient


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
