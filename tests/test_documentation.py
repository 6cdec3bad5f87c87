"""The generated documentation says what the code says."""

from jsonschema import Draft202012Validator

from fal import documentation
from fal.schema import COMPONENTS, config_schema


def test_the_page_is_up_to_date():
    assert documentation.PAGE.read_text() == documentation.page(), "run make docs"


def test_the_schema_is_up_to_date():
    assert documentation.SCHEMA.read_text() == documentation.schema_text(), "run make docs"


def test_every_option_is_described():
    schema = config_schema()
    Draft202012Validator.check_schema(schema)
    parts = {key: part for key, part in schema["properties"].items() if "$ref" not in part}
    for definition in schema["$defs"].values():
        parts |= definition["properties"]
    for _, registry, _ in COMPONENTS:
        for name in registry:
            parts |= registry.options_of(name)
    for key, part in parts.items():
        assert part.get("description"), key
