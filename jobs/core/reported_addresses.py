"""What sources beside the interfaces say about a node's addresses, taken together. Pure."""

from collections.abc import Iterable, Mapping

from jobs.core.address import Address, Found, in_order, why_not_global
from jobs.core.errors import Failure
from jobs.core.interface_names import NOT_CHOSEN

Replies = Mapping[tuple[str, int], tuple[Address, ...] | Failure]
"""By URL and IP version: the address that it answers with, none where it has no such version, or why it does not."""


def agreed(replies: Replies) -> tuple[list[tuple[str, Address]], list[str]]:
    """Give each answer with its URL, and a warning for each URL that failed though another has answered.

    One answer per IP version is enough. Raises Failure for a version about which every URL failed, and where answers
    differ, for nobody knows which of them is right.
    """
    known = {
        asked: reply if any(replies[other] for other in replies if other[0] == asked[0]) else _nowhere(asked[0])
        for asked, reply in replies.items()
    }
    for version in dict.fromkeys(version for _, version in known):
        reported, failures = _parted({asked: reply for asked, reply in known.items() if asked[1] == version})
        if len({address for _, address in reported}) > 1:
            words = ", ".join(f"{address} by {url}" for url, address in reported)
            raise Failure(f"the answers about IPv{version} differ: {words}")
        if failures and not reported:
            raise Failure("; ".join(failures))
    return _parted(known)


def _parted(replies: Replies) -> tuple[list[tuple[str, Address]], list[str]]:
    """Part answers and failures, of these each once."""
    reported = [(url, each) for (url, _), reply in replies.items() if not isinstance(reply, Failure) for each in reply]
    return reported, list(dict.fromkeys(str(reply) for reply in replies.values() if isinstance(reply, Failure)))


def _nowhere(url: str) -> Failure:
    return Failure(f"{url}: its host has no address of an IP version that leads to the internet from here")


def joined(on_interfaces: Iterable[Found], reported: Iterable[tuple[str, Address]]) -> tuple[Found, ...]:
    """Add what sources report to what stands on interfaces.

    An address that was left out on its interface stays out: a source cannot know that it is temporary, or that its
    interface is excluded. But that its interface is not among those chosen does not count, for the source is chosen.
    """
    on_interfaces = tuple(on_interfaces)
    why = {each.address: each.reason for each in on_interfaces if each.reason not in (None, NOT_CHOSEN)}
    taken = {each.address for each in on_interfaces if not each.reason}
    more = (
        Found(address, None, None if address in taken else why.get(address) or why_not_global(address), source)
        for source, address in reported
    )
    return in_order((*on_interfaces, *more))
