# Two stages: the first installs from hashes, the second carries only what runs.
FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/darkroom
COPY requirements.lock .
RUN /opt/darkroom/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY service ./service
RUN /opt/darkroom/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps . \
 && /opt/darkroom/bin/python -m compileall -q /opt/darkroom/lib \
 && /opt/darkroom/bin/pip uninstall --quiet --yes pip

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Darkroom" \
      org.opencontainers.image.description="Keeps expiring AI images: takes the provider's callback and archives the images at once."
COPY --from=build /opt/darkroom /opt/darkroom
ENV PATH=/opt/darkroom/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DARKROOM_DATA_DIR=/data \
    DARKROOM_SERVER__HOST=0.0.0.0
RUN install -d -o 10001 -g 10001 -m 0750 /data
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s CMD ["darkroom", "healthcheck"]
ENTRYPOINT ["darkroom"]
CMD ["serve"]
