"""Common Alerting Protocol 1.2 (OASIS, 1 July 2010): writing, reading and checking alerts."""
