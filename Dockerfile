# Two stages: the first installs from hashes, the second carries only what runs.
FROM python:3.13-slim AS build
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/darkroom && python -m venv tools \
 && tools/bin/pip install --require-hashes -r requirements-build.lock \
 && tools/bin/pip wheel --no-build-isolation --no-deps --require-hashes -w wheels -r requirements.lock \
 && /opt/darkroom/bin/pip install --no-deps --no-index wheels/*.whl
COPY pyproject.toml README.md ./
COPY service ./service
RUN tools/bin/python -m hatchling build -t wheel \
 && /opt/darkroom/bin/pip install --no-deps dist/*.whl \
 && /opt/darkroom/bin/python -m compileall -q /opt/darkroom/lib \
 && /opt/darkroom/bin/pip uninstall --quiet --yes pip

FROM python:3.13-slim
COPY --from=build /opt/darkroom /opt/darkroom
ENV PATH=/opt/darkroom/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DARKROOM_DATA_DIR=/data \
    DARKROOM_SERVER__HOST=0.0.0.0
# Nothing is installed here any more: what could install goes too.
RUN rm -rf /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/site-packages/* /usr/local/bin/pip* \
 && install -d -o 10001 -g 10001 -m 0750 /data
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Darkroom" \
      org.opencontainers.image.description="Keeps expiring AI images: takes the provider's callback and archives the images at once." \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim"
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s CMD ["darkroom", "healthcheck"]
ENTRYPOINT ["darkroom"]
CMD ["serve"]
