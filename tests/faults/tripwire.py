"""A tripwire in the database: commits that fail, or take their time, as often as it is told."""

from typing import Final, Literal, TypeAlias

from tests.app.ledger import Connection

Moment: TypeAlias = Literal["statement", "commit"]

# What a rolled back statement has counted would be forgotten in a table, a sequence remembers.
_LAY: Final = """
    CREATE TABLE tripwire (moment text, sqlstate text, seconds float);
    CREATE SEQUENCE trips_left INCREMENT -1 MAXVALUE 1000000 MINVALUE -1000000000 START -1;
    CREATE FUNCTION trip() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE wire tripwire;
    BEGIN
        SELECT * INTO wire FROM tripwire WHERE moment = TG_ARGV[0];
        IF FOUND AND nextval('trips_left') >= 0 THEN
            PERFORM pg_sleep(wire.seconds);
            IF wire.sqlstate <> '' THEN
                RAISE EXCEPTION 'tripped' USING ERRCODE = wire.sqlstate;
            END IF;
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER trips_in_the_statement AFTER INSERT ON idempotency_keys
    FOR EACH STATEMENT EXECUTE FUNCTION trip('statement');
    CREATE CONSTRAINT TRIGGER trips_in_the_commit AFTER INSERT ON idempotency_keys
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trip('commit')
"""


class Tripwire:
    """Laid over `idempotency_keys`, where every command leaves a row.

    A trip in the statement comes before its end; one in the commit comes when the statement is
    complete and has been said to be, and undoes it all the same.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lay(self) -> None:
        """Put it there, slack."""
        await self._connection.execute(_LAY)

    async def pull(
        self, moment: Moment, sqlstate: str = "", *, seconds: float = 0, times: int = 1
    ) -> None:
        """Have the next `times` commits wait so long, and then fail if a SQLSTATE is given."""
        async with self._connection.transaction():
            await self._connection.execute("DELETE FROM tripwire")
            insert = "INSERT INTO tripwire VALUES ($1, $2, $3)"
            await self._connection.execute(insert, moment, sqlstate, seconds)
            await self._connection.fetch("SELECT setval('trips_left', $1)", times)

    async def tripped(self) -> bool:
        """Whether it has tripped as often as it was to."""
        last = await self._connection.fetchval("SELECT last_value FROM trips_left")
        return int(last) <= 0
