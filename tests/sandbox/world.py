"""A cluster and a Route 53 account on loopback, and the real program run against them as a process."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.sandbox.certificates import loopback_certificate
from tests.sandbox.kubernetes import Kubernetes, kubeconfig, node
from tests.sandbox.route53 import Route53
from tests.sandbox.server import Server

PREFIX = "kube-node-dns.kyle.space/"
PROGRAM = [str(Path(sys.executable).with_name("kube-node-dns"))]

Finished = subprocess.CompletedProcess[str]


class World:
    """Both servers, running while the context lasts, with an environment that leads clients to them."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        """Bind free ports; the account has no zones and the cluster no nodes. `clock` is the API server's."""
        self.kubernetes, self.route53 = Kubernetes(clock=clock), Route53()
        self.change = ""
        """Python that `tests.support.forks` executes in each run before it begins."""
        self._stack = ExitStack()
        certificate = loopback_certificate()  # kubectl sends no token without TLS
        self.cluster = Server(self.kubernetes, tls=certificate.server_context())
        self.dns = Server(self.route53)
        self.home = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="kube-node-dns-")))
        self.kubeconfig = self.home / "kubeconfig"
        login = kubeconfig(self.cluster.url, authority_pem=certificate.authority_pem)
        self.kubeconfig.write_text(json.dumps(login), encoding="utf-8")

    def __enter__(self) -> Self:
        """Keep both servers up."""
        self._stack.enter_context(self.cluster)
        self._stack.enter_context(self.dns)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop both and remove the kubeconfig."""
        self._stack.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a shell needs so that kube-node-dns, kubectl and aws talk to the sandbox, and to nothing else."""
        return {
            **self.route53.environment(self.dns.url),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "KUBECONFIG": str(self.kubeconfig),
        }

    def node(
        self,
        name: str,
        ips: str | None = None,
        coordinates: str | None = None,
        *,
        annotations: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        **facts: Any,  # noqa: ANN401 - handed on
    ) -> None:
        """Add a node that carries the label serve-public=true and the annotations given."""
        own = {"node-ips": ips, "aws-geoproximity-coordinates": coordinates}
        named = {PREFIX + key: value for key, value in own.items() if value is not None}
        labels = {"serve-public": "true", **(labels or {})}
        facts = {"now": self.kubernetes.clock(), **facts}
        self.kubernetes.put(node(name, annotations={**named, **(annotations or {})}, labels=labels, **facts))

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start the program; `variables` are added to its environment, an empty one is taken out of it."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            **self.environment,
            **variables,
        }
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            env={key: value for key, value in environment.items() if value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **variables: str) -> Finished:
        """Run the program to its end."""
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=150)
        return Finished(process.args, process.returncode, out, err)

    def shown(self, zone_id: str, name: str | None = None) -> list[str]:
        """Show what Route 53 holds of A and AAAA, one line per record set: for people and for comparing."""
        return [_line(each) for each in self.route53.records(zone_id, name) if each["Type"] in {"A", "AAAA"}]


def _line(record_set: Mapping[str, Any]) -> str:
    values = " ".join(record["Value"] for record in record_set.get("ResourceRecords", ()))
    identifier = record_set.get("SetIdentifier", "simple")
    return f"{record_set['Name']} {record_set['TTL']} {record_set['Type']} [{identifier}] {values}"
