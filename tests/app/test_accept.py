"""How the Accept header is read."""

import pytest

from app.accept import chosen
from app.problems import Problem

OFFERED = ("application/json", "application/cloudevents-batch+json", "avro/binary")
JSON, CLOUDEVENTS, AVRO = OFFERED


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ([], JSON),
        ([""], JSON),
        ([" "], JSON),
        (["*/*"], JSON),
        (["avro/*"], AVRO),
        (["Application/JSON"], JSON),
        (["avro/binary , application/json"], JSON),
        (["avro/binary;q=1.000, application/json;q=0.999"], AVRO),
        (["application/json;q=0.1, */*;q=0.2"], CLOUDEVENTS),
        (["application/json;q=0, */*"], CLOUDEVENTS),
        (["application/*;q=0, */*;q=0.001"], AVRO),
        (["application/json;charset=utf-8"], JSON),
        (["application/json;charset=utf-8;Q=0.5, avro/binary"], AVRO),
        (["image/png, avro/binary;q=0.1"], AVRO),
        (["image/png", "avro/binary"], AVRO),
        (["nonsense, avro/binary"], AVRO),
        (["application/json\t;\tq=0.3, avro/binary; q=0.4"], AVRO),
    ],
)
def test_the_type_that_is_liked_best_is_chosen(accept: list[str], expected: str) -> None:
    headers = [(b"accept", value.encode()) for value in accept]
    assert chosen([(b"host", b"x"), *headers], OFFERED) == expected


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "*/*;q=0",
        "application/json;q=0",
        "avro/binary;q=0.000, application/*;q=0",
        "nonsense",
        "*/json",
        ",",
        "text/json",
        "\xff\xfe",
        "a" * 8000,
        ";q=" * 2000,
    ],
)
def test_what_is_not_offered_is_refused(accept: str) -> None:
    with pytest.raises(Problem) as refused:
        chosen([(b"accept", accept.encode("latin-1"))], OFFERED)
    assert refused.value.document["status"] == 406
    assert refused.value.document["offered"] == list(OFFERED)
