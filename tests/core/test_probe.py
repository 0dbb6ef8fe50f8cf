"""What addresses are asked for: a TCP connection, or an answer to a URL."""

import pytest

from jobs.core.probe import Probe


@pytest.mark.parametrize(
    ("text", "probe", "shown"),
    [
        pytest.param("tcp:443", Probe("tcp", 443), "tcp 443", id="TCP"),
        pytest.param("tcp:1", Probe("tcp", 1), "tcp 1", id="the lowest port"),
        pytest.param("tcp:65535", Probe("tcp", 65535), "tcp 65535", id="the highest port"),
        pytest.param(
            "http://www.example.com", Probe("http", 80, "www.example.com", "/"), "http://www.example.com/", id="HTTP"
        ),
        pytest.param(
            "https://www.example.com/healthz?a=b",
            Probe("https", 443, "www.example.com", "/healthz?a=b"),
            "https://www.example.com/healthz?a=b",
            id="HTTPS with a path and a query",
        ),
        pytest.param(
            "https://www.example.com?a",
            Probe("https", 443, "www.example.com", "/?a"),
            "https://www.example.com/?a",
            id="a query without a path",
        ),
        pytest.param(
            "https://www.example.com:8443/",
            Probe("https", 8443, "www.example.com", "/"),
            "https://www.example.com:8443/",
            id="another port",
        ),
        pytest.param(
            "https://www.example.com:443/",
            Probe("https", 443, "www.example.com", "/"),
            "https://www.example.com/",
            id="the usual port, written",
        ),
        pytest.param("http://a:1/", Probe("http", 1, "a", "/"), "http://a:1/", id="the lowest port of a URL"),
        pytest.param("http://a:65535/", Probe("http", 65535, "a", "/"), "http://a:65535/", id="the highest one"),
        pytest.param("http://WWW/X", Probe("http", 80, "www", "/X"), "http://www/X", id="the host in lower case"),
    ],
)
def test_a_probe_is_read(text: str, probe: Probe, shown: str) -> None:
    """A probe is `tcp:PORT` or a URL, and is shown as short as it can be."""
    assert (Probe.parse(text), str(probe)) == (probe, shown)


TCP = r"^is not tcp:PORT with a port from 1 to 65535, such as tcp:443$"
NEITHER = r"^is neither tcp:PORT nor a URL that begins with http:// or https://$"
URL = r"^is not https?://HOST\[:PORT\]\[/PATH\], such as https?://www\.example\.com/healthz$"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *(
            pytest.param(f"tcp:{port}", TCP, id=f"port {port}")
            for port in ("", "0", "65536", "99999", "080", "-1", "4 4", "http", "\u0661", "443\n")
        ),
        *(
            pytest.param(text, NEITHER, id=repr(text))
            for text in ("", "443", "ftp://www.example.com/", "HTTPS://x/", "https://x/ y", "https://x/\u00e9")
        ),
        *(
            pytest.param(text, URL, id=text)
            for text in (
                "http:",
                "https://",
                "https:///healthz",
                "https://www.example.com:0/",
                "https://www.example.com:65536/",
                "https://www.example.com:x/",
                "https://user@www.example.com/",
                "https://www.example.com/#top",
                "https://[2600::1]/",
                "https://[/",
                "https://-a.example.com/",
                "https://a!b/",
            )
        ),
    ],
)
def test_what_is_not_a_probe_is_refused(text: str, why: str) -> None:
    """Anything else is refused in words that show the form."""
    with pytest.raises(ValueError, match=why):
        Probe.parse(text)


@pytest.mark.parametrize(
    ("text", "acquits"), [("tcp:443", False), ("http://www.example.com/", False), ("https://www.example.com/", True)]
)
def test_only_https_acquits(text: str, *, acquits: bool) -> None:
    """Only an answer over TLS proves who gave it. Whoever has a recycled address now takes connections too."""
    assert Probe.parse(text).acquits is acquits


@pytest.mark.parametrize(
    ("text", "host"),
    [
        pytest.param("https://www.example.com/", "www.example.com", id="the usual port"),
        pytest.param("http://www.example.com:443/", "www.example.com:443", id="that of the other scheme"),
        pytest.param("https://www.example.com:8443/", "www.example.com:8443", id="another port"),
    ],
)
def test_the_header_host(text: str, host: str) -> None:
    """The header Host has the port where it is not the scheme's usual one."""
    assert Probe.parse(text).authority == host
