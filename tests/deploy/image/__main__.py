"""`python -m tests.deploy.image DIRECTORY`: make the image's files there, weigh them, run the program from them."""

import argparse
from pathlib import Path

from tests.deploy.image.commands import COMMANDS
from tests.deploy.image.files import Image, build
from tests.deploy.image.logins import LOGINS, NO_LOGINS, proves
from tests.deploy.image.pod import can_shut_in, pod
from tests.sandbox.world import World

WORTH_A_LINE = 100_000
"""Bytes."""


def main() -> None:
    """Build, measure, run; the first thing that does not hold ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.image", description=__doc__)
    parser.add_argument("directory", type=Path, help="where to; it must not be there yet")
    directory = parser.parse_args().directory.resolve()
    if directory.exists():
        parser.error(f"{directory} is there already")
    image = build(directory)
    weigh(image)
    where = "read-only, as the image's user" if can_shut_in() else "unconfined: this machine allows no namespace"
    for name, prove in COMMANDS.items():
        with World() as world, pod(image, world) as place:
            prove(place)
        print(f"{name} works ({where})")
    for name in (*LOGINS, *NO_LOGINS):
        with World() as world:
            proves(image, world, name)
        print(f"AWS login does what it should: {name}")


def weigh(image: Image) -> None:
    """Print the size by package."""
    sizes = image.sizes()
    large = {name: size for name, size in sizes.items() if size >= WORTH_A_LINE}
    total = sum(sizes.values())
    for name, size in sorted(large.items(), key=lambda each: -each[1]):
        print(f"{size / 1e6:7.1f} MB  {name}")
    print(f"{(total - sum(large.values())) / 1e6:7.1f} MB  {len(sizes) - len(large)} others")
    print(f"{total / 1e6:7.1f} MB  above the base image", flush=True)


if __name__ == "__main__":
    main()
