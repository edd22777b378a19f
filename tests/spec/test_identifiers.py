"""What names a person, told from what only looks like it."""

import pytest

from mlspec.spec.identifiers import by_name, by_values, found_in


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to ann.lee+shop@mail.example.co.uk today", "address of mail"),
        ("4111 1111 1111 1111", "card number"),
        ("GB82 WEST 1234 5698 7654 32", "account number"),
        ("DE89370400440532013000", "account number"),
        ("+44 20 7946 0958", "telephone number"),
        ("(415) 555-2671", "telephone number"),
        ("219-09-9999", "social security number"),
        ("seen from 192.168.10.7", "IP address"),
        ("4111 1111 1111 1112", None),
        ("GB82 WEST 1234 5698 7654 33", None),
        ("2024-01-31", None),
        ("version 1.2.3", None),
        ("user@localhost", None),
        ("Adm-clerical", None),
        ("12:30:45.123456", None),
        ("0000 0000 0000 0000", None),
    ],
)
def test_values(text: str, kind: str | None) -> None:
    assert found_in(text) == kind


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("email", "direct_identifier"),
        ("Customer Email", "direct_identifier"),
        ("firstName", "direct_identifier"),
        ("phone_number", "direct_identifier"),
        ("home_address", "direct_identifier"),
        ("zip_code", "quasi_identifier"),
        ("date_of_birth", "quasi_identifier"),
        ("diagnosis", "sensitive"),
        ("phone_service", None),
        ("streaming_tv", None),
        ("education_num", None),
        ("description", None),
        ("embarked", None),
    ],
)
def test_names(column: str, kind: str | None) -> None:
    assert by_name(column) == kind


def test_a_column_is_what_most_of_its_values_are() -> None:
    mails = [f"p{index}@example.org" for index in range(60)]
    assert by_values([*mails, *["unknown"] * 40]) == "address of mail"
    assert by_values([*mails, *["unknown"] * 80]) is None
    assert by_values([]) is None
