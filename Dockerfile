# kube-node-dns on any base image that has Python 3.11 or later with pip, and /bin/sh. No step depends on the
# architecture. All that is added to the base image is one directory, /opt/kube-node-dns, made by the first stage;
# tests/deploy/image/ makes the same directory without a container engine, with the commands below.
ARG PYTHON_IMAGE=python:3.13.14-slim-trixie@sha256:6771159cd4fa5d9bba1258caf0b82e6b73458c694d178ad97c5e925c2d0e1a91

FROM ${PYTHON_IMAGE} AS build
ENV PREFIX=/opt/kube-node-dns \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY pyproject.toml README.md .github/constraints.txt ./
COPY jobs jobs/

# The bytecode comes last, of what is left. pip's cache stays behind in this stage.
# hadolint ignore=DL3042
RUN python3 -m venv --without-pip "$PREFIX" && \
    python3 -m pip --python "$PREFIX" install --no-compile --constraint constraints.txt .

# Five sixths of that are never loaded: the asynchronous Kubernetes client with its HTTP library, and the typed classes
# of every call and kind (this program sends plain requests and decodes what it needs); the descriptions of all AWS
# services but the one it keeps and those that give credentials: roles (sts), single sign-on (sso, sso-oidc), console
# login (signin); tests; other packages' commands.
RUN set -eu; \
    python3 -m pip --python "$PREFIX" uninstall -y \
        aiohttp aiohttp-retry aiohappyeyeballs aiosignal attrs frozenlist multidict propcache yarl; \
    packages="$("$PREFIX/bin/python3" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"; \
    rm -rf "$packages"/kubernetes/aio "$packages"/kubernetes/client/api "$packages"/kubernetes/client/apis; \
    find "$packages/kubernetes/client" -path '*/models/*.py' ! -name __init__.py -exec rm {} +; \
    find "$packages/botocore/data" -mindepth 1 -maxdepth 1 -type d \
        ! -name route53 ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -r {} +; \
    find "$packages" -type d -name tests -prune -exec rm -r {} +; \
    find "$packages" \( -name 'test_*.py' -o -name '*_test.py' \) -exec rm {} +; \
    find "$PREFIX/bin" -type f ! -name kube-node-dns -exec rm {} +

# The file system is read-only at run time, so what is not compiled here is compiled at every start, for longer than a
# run takes. That holds for Python's own library too: the official images ship it without bytecode. Checked by a hash of
# its source it is right whatever becomes of the files' times, and a source that somebody mends on top counts; that
# costs a sync 0.03 s of CPU and annotate-once nothing that can be measured.
RUN set -eu; \
    library="$("$PREFIX/bin/python3" -c 'import os; print(os.path.dirname(os.__file__))')"; \
    export PYTHONPYCACHEPREFIX="$PREFIX/bytecode"; \
    set -- "$PREFIX/bin/python3" -m compileall -q -f --invalidation-mode checked-hash; \
    "$@" -x '/(site-packages|dist-packages|test|tests|idle_test|idlelib|lib2to3|turtledemo|ensurepip|tkinter)/' \
        "$library"; \
    "$@" "$PREFIX/lib"

# Releases of the packages differ: what could not start, or not log in to AWS, is not built.
RUN set -eu; \
    export AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=us-east-1; \
    "$PREFIX/bin/kube-node-dns" --version; \
    "$PREFIX/bin/python3" -c 'import importlib, jobs, pkgutil; \
        [importlib.import_module(each.name) for each in pkgutil.walk_packages(jobs.__path__, "jobs.")]'; \
    "$PREFIX/bin/python3" -c 'import boto3, sys; [*map(boto3.client, sys.argv[1:])]' route53 sts sso sso-oidc signin

FROM ${PYTHON_IMAGE}
ARG PYTHON_IMAGE
ARG VERSION=0.2.0
ARG REVISION=
ARG SOURCE=
LABEL org.opencontainers.image.title="kube-node-dns" \
      org.opencontainers.image.description="Keeps a domain in Route 53 equal to the public addresses of the Kubernetes nodes that can serve right now" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
COPY --from=build /opt/kube-node-dns /opt/kube-node-dns
ENV PATH=/opt/kube-node-dns/bin:$PATH \
    PYTHONPYCACHEPREFIX=/opt/kube-node-dns/bytecode \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["kube-node-dns"]
