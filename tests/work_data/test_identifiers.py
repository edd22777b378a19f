"""What names a person, told from what only looks like it."""

import pytest

from mlspec.anonymizers._identifiers import by_name, by_values, found_in, in_text


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
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "IP address"),
        ("QQ 12 34 56 C", None),
        ("AB 12 34 56 C", "national identity number"),
        ("12345678Z", "national identity number"),
        ("12345678A", None),
        ("RSSMRA85T10A562S", "national identity number"),
        ("RSSMRA85T10A562T", None),
        ("VWSBMC60H31B306T", None),  # the 31st of June, with the right letter
        ("131052-914B", "national identity number"),  # one that a hospital gives for a time
        ("GB39 5421 4304 4324 4519 56", None),
        ("XX10 3416 7211 0684 0388", None),  # of no country, with the right remainder
        ("1 85 05 78 006 084 91", "national identity number"),
        ("1 85 05 78 006 084 92", None),
        ("390.533.447-05", "national identity number"),
        ("390.533.447-06", None),
        ("811218-9876", "national identity number"),
        ("131052-308T", "national identity number"),
        ("44051401359", "national identity number"),
        ("44051401358", None),
        ("2341 2341 2346", "national identity number"),
        ("2341 2341 2347", None),
        ("comes to 221B Baker Street at noon", "street address"),
        ("wohnt in der Hauptstraße 12", "street address"),
        ("12 rue de la Paix", "street address"),
        ("asked for Mrs. Hudson", "name with a title"),
        ("5 Star Hotel", None),
        ("Prof-specialty", None),
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


def test_columns_of_names_are_seen_and_places_are_not() -> None:
    assert by_values(["Anna Karenina", "Peter Pan", "Okonkwo, Ibrahim", "Li Wei", "María-José Cano Gil"]) == "name"
    assert by_values(["New York", "Los Angeles", "Rio de Janeiro", "Salt Lake City"]) is None
    assert by_values(["Exec-managerial", "Adm-clerical"]) is None


def test_numbers_in_text_are_counted_by_kind() -> None:
    notes = ["call me at +44 20 7946 0958", "late again", "write to ann@example.org or bob@example.org", "ok"]
    assert in_text(notes) == {"telephone number": 1, "address of mail": 1}
