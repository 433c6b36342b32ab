import logging

# Beam warns at every import that Google's client libraries, an optional extra, are not there.
logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())
