# Beam's workers with the data half of the project, in the versions that the shards' bytes were compared with.
FROM apache/beam_python3.11_sdk:2.77.0
WORKDIR /opt/musae
COPY . .
RUN pip install --no-cache-dir --constraint constraints.txt '.[gcp]'
