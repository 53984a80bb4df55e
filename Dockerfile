# The service: `docker build -t whorl .`; compose.yaml runs it with workers and PostgreSQL.
FROM python:3.13-slim-bookworm

RUN useradd --create-home --uid 10001 whorl && install -d -o whorl /data
COPY pyproject.toml README.md LICENSE /src/
COPY fingerprint /src/fingerprint
COPY index /src/index
COPY matching /src/matching
COPY evidence /src/evidence
COPY service /src/service
RUN pip install --no-cache-dir "/src[service]" && rm -r /src

USER whorl
ENV WHORL_DATA=/data WHORL_HOST=0.0.0.0 OMP_NUM_THREADS=1
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health/live', timeout=5)"]
CMD ["whorl", "serve"]
