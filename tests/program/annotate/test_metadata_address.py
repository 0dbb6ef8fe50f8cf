"""The variables that name another address of a cloud's metadata service."""

import pytest

from jobs.core.errors import ConfigurationError
from jobs.edges.cloud_metadata import reported_by


@pytest.mark.parametrize(
    ("cloud", "variable", "value"),
    [
        *(("gcp", "GCE_METADATA_HOST", each) for each in ("a?b", "a#b", "a/b", "http://a", "http:///a", "a b")),
        *(("aws", "AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://a{each}") for each in ("?b", "#b", "/?", ":0", " b")),
    ],
)
def test_what_is_more_than_an_address_is_asked_nothing(
    monkeypatch: pytest.MonkeyPatch, cloud: str, variable: str, value: str
) -> None:
    """An address with a query or a fragment, and of GCE with a scheme or path, is an error that names its variable."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"{variable} is not the address"):
        reported_by(cloud)
