import logging

# On every import Beam warns that Google's client libraries, an optional extra, are missing.
logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())
